/** Every word that people read, in one place, so that a second language is a second file. */
import type { DeviceTrouble } from "./media/local-media";
import type { Direction, Path, Source } from "./media/quality";
import type { Grade } from "./media/speech-score";
import type { Role } from "./signalling/c3p";
import type { Ending } from "./signalling/ending";
import type { Notice } from "./state/meeting-state";
import type { SessionTrouble } from "./state/session";

export const product = "Vestibule";

export const common = {
  signIn: "Sign in",
  security: "How you sign in",
  signOut: "Sign out",
  cancel: "Cancel",
  close: "Close",
  copy: "Copy",
  copied: "Copied",
  loading: "Loading…",
  theme: "Appearance",
  themes: { system: "Same as this device", light: "Light", dark: "Dark" },
  account: (name: string) => `Account of ${name}`,
};

export const signIn = {
  title: "Meet behind your own door",
  lead: "Encrypted meetings on your organisation's own server. Guests wait in the lobby until you let them in.",
  hint: "Invited to a meeting? Just open the link you were sent: no account needed.",
  working: "Signing you in…",
  trouble: {
    unreachable: "The server can't be reached right now. Check your connection and try again.",
    expired: "You were signed out because your session came to its end. Please sign in again.",
    refused: "Signing in didn't work. Please try again; if it keeps failing, ask your administrator.",
  } satisfies Record<SessionTrouble, string>,
};

export const meetings = {
  title: "My meetings",
  newTitle: "Start a meeting",
  newHint: "You'll get a link to send to your guests. They knock, you let them in.",
  subject: "Subject",
  subjectHint: "Optional: what is it about?",
  fallbackSubject: (name: string) => `${name}'s meeting`,
  meetNow: "Meet now",
  join: "Join",
  joinOf: (subject: string) => `Join ${subject}`,
  end: "End meeting",
  endOf: (subject: string) => `End ${subject}`,
  endTitle: "End this meeting?",
  endText: "Everyone in it is sent home, and its link stops working. This can't be undone.",
  newLink: "New link",
  newLinkOf: (subject: string) => `New link for ${subject}`,
  newLinkTitle: "Make a new link?",
  newLinkText:
    "The old one stops working at once: send the new one to whom you want in. Whoever is inside stays.",
  inviteLink: "Invite link",
  copyLink: "Copy invite link",
  created: (date: Date) =>
    `Created ${new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(date)}`,
  emptyTitle: "No meetings yet",
  emptyText: "Press “Meet now” and your first meeting is a second away.",
  trouble: {
    unreachable: "The server can't be reached right now. What you see may be out of date.",
    refused: "The server didn't accept that. Please try again.",
  },
};

export const join = {
  title: (organizer: string) => `Join ${organizer}'s meeting`,
  memberLead: (name: string) => `You are signed in as ${name}.`,
  guestLead: "Tell us your name and knock. Somebody in the meeting will let you in.",
  name: "Your name",
  namePlaceholder: "How others will see you",
  nameMissing: "Please enter your name first.",
  knock: "Ask to join",
  joinNow: "Join now",
  memberAlready: "Have an account here?",
  memberSignIn: "Sign in to join",
  phoneTitle: "Join with a SIP phone or app instead",
  phoneText:
    "Dial this address. You hear everyone, and everyone hears you. A phone with a screen shows who is speaking.",
  copyAddress: "Copy address",
  openApp: "Open in an app",
  badLinkTitle: "This link is not complete",
  badLinkText:
    "The part behind the # is missing or damaged. It is the key to the meeting and often gets lost when a link is broken over two lines. Copy the whole link from your invitation and open it again.",
  unreachable: "The meeting server can't be reached right now. Check your connection and try again.",
  retry: "Try again",
};

export const devices = {
  preview: "Your camera",
  previewOff: "Your camera is off",
  microphone: "Microphone",
  camera: "Camera",
  level: "Microphone level",
  defaultDevice: "Default",
  unnamed: (index: number) => `Device ${index + 1}`,
  settings: "Devices",
  microphoneTrouble: {
    denied: "The browser may not use your microphone. Allow it beside the address bar to be heard.",
    missing: "No microphone was found. You can still listen.",
    busy: "Your microphone is in use by another program.",
  } satisfies Record<DeviceTrouble, string>,
  cameraTrouble: {
    denied: "The browser may not use your camera. Allow it beside the address bar to be seen.",
    missing: "No camera was found.",
    busy: "Your camera is in use by another program.",
  } satisfies Record<DeviceTrouble, string>,
};

export const lobby = {
  title: "You're in the lobby",
  text: "We've told the people in the meeting that you are here. Stay on this page: you'll be inside as soon as somebody lets you in.",
  privacy: "Nobody can see or hear you yet.",
  leave: "Leave",
  connecting: "Knocking…",
  reconnecting: "The connection was lost. We're knocking again…",
};

interface Farewell {
  readonly title: string;
  readonly text: string;
  /** Whether coming back makes sense. */
  readonly again: boolean;
}

export function farewell(ending: Ending): Farewell {
  switch (ending.kind) {
    case "left":
      return { title: "You left the meeting", text: "Until next time.", again: true };
    case "rejected":
      return {
        title: "You weren't let in",
        text: "Somebody in the meeting declined your request to join. If you think that was a mistake, ask the organizer.",
        again: false,
      };
    case "timeout":
      return {
        title: "Nobody answered the door",
        text: "No one let you in in time. The meeting may not have started yet: you can knock again.",
        again: true,
      };
    case "ended":
      return { title: "The meeting has ended", text: "Thanks for being here.", again: false };
    case "removed":
      return {
        title: "You were removed from the meeting",
        text: "A presenter took you out of the meeting. If you think that was a mistake, ask the organizer.",
        again: false,
      };
    case "unknown-meeting":
      return {
        title: "There is no such meeting",
        text: "It may be over, or the link is wrong. Ask the organizer for a new one.",
        again: false,
      };
    case "bad-key":
      return {
        title: "This link doesn't open the meeting",
        text: "The key in the link is not the right one, or the meeting is over. Copy the whole link from your invitation and try again.",
        again: true,
      };
    case "busy":
      return {
        title: "The server is busy",
        text: "Too many people are knocking right now. Wait a moment, then try again.",
        again: true,
      };
    case "lost":
      return {
        title: "The connection was lost",
        text: "We tried to bring you back in, but couldn't. Check your connection and join again.",
        again: true,
      };
    case "failed":
      return {
        title: "You couldn't join",
        text: `The server answered: ${ending.reason || "something unexpected"} (${ending.status}).`,
        again: true,
      };
  }
}

export const farewellActions = {
  again: "Join again",
  home: "My meetings",
};

export const meeting = {
  stage: "People in the meeting",
  you: "You",
  youNamed: (name: string) => `${name} (you)`,
  alone: "Nobody else is here yet.",
  aloneHint: "Send the invite link to whoever you want to meet.",
  sharing: (name: string) => `${name} is sharing the screen`,
  sharingSelf: "You are sharing your screen",
  stopSharing: "Stop sharing",
  speaking: "speaking",
  mutedBy: { presenter: "muted by a presenter", self: "muted on their phone" },
  cameraPaused: "Video paused: slow connection",
  cameraOff: "camera off",
  reconnecting: "The connection was lost. Bringing you back…",
  mediaConnecting: "Connecting audio and video…",
  soundBlocked: "Your browser holds the sound back.",
  soundAllow: "Turn on sound",
  controls: "Meeting controls",
  mute: "Mute",
  unmute: "Unmute",
  cameraStop: "Stop camera",
  cameraStart: "Start camera",
  share: "Share screen",
  shareStop: "Stop sharing",
  people: "People",
  leave: "Leave",
  end: "End meeting for everyone",
  endConfirm: "End for everyone",
  endHint: "Everyone in it is sent home. The link stays good for another time.",
  more: "More",
  help: "Keyboard shortcuts",
  mutedNow: "You are muted",
  unmutedNow: "You are not muted any more",
};

export const recording = {
  start: "Record",
  stop: "Stop recording",
  startTitle: "Record this meeting?",
  startText:
    "Everyone is told, and is in the recording only once they agree. You agree for yourself by starting it. The organizer of the meeting gets the file.",
  startConfirm: "Start recording",
  by: (name: string) => `This meeting is being recorded by ${name}.`,
  notUntil: "You're not in the recording until you agree.",
  agree: "Agree",
  notNow: "Not now",
  leave: "Leave",
  isIn: "You are in the recording",
  isOut: "You are not in the recording",
  takeBack: "Take me out",
  mark: "REC",
  marked: "Being recorded",
  stopped: "This meeting is not being recorded any more",
};

export const recordings = {
  title: "Recordings",
  emptyTitle: "No recordings yet",
  emptyText: "Press “Record” in one of your meetings. Whoever agrees is in it, and it ends up here.",
  about: (date: Date, by: string) =>
    `${new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(date)}, by ${by}`,
  until: (date: Date) =>
    `Kept until ${new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(date)}`,
  states: {
    recording: "Being recorded now",
    finished: "",
    failed: "Ended early: the server couldn't write on",
    interrupted: "Cut off: the server stopped",
  },
  download: "Download",
  downloadOf: (subject: string) => `Download the recording of ${subject}`,
  downloading: "Downloading…",
  remove: "Delete",
  removeOf: (subject: string) => `Delete the recording of ${subject}`,
  removeTitle: "Delete this recording?",
  removeText: "The file is deleted from the server. This can't be undone.",
};

/** Such as 1:02:03 or 2:03. */
export function clockTime(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${two(minutes)}:${two(rest)}`;
}

/** Such as 12.3 MB. */
export function fileSize(octets: number): string {
  const units = ["kB", "MB", "GB", "TB"];
  let [size, unit] = [octets / 1000, 0];
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}

export const people = {
  title: "People",
  inLobby: (count: number) => `In the lobby (${count})`,
  inMeeting: (count: number) => `In the meeting (${count})`,
  admit: "Admit",
  admitNamed: (name: string) => `Admit ${name}`,
  reject: "Decline",
  rejectNamed: (name: string) => `Decline ${name}`,
  admitAll: (count: number) => `Admit all ${count}`,
  roles: {
    organizer: "Organizer",
    presenter: "Presenter",
    attendee: "Attendee",
  } satisfies Record<Role, string>,
  actions: (name: string) => `Actions for ${name}`,
  makePresenter: "Make a presenter",
  makeAttendee: "Make an attendee",
  silence: "Mute",
  unsilence: "Allow to unmute",
  remove: "Remove from the meeting",
  connecting: "connecting…",
  recorded: "In the recording",
  notRecorded: "Not in the recording",
  knocked: (name: string) => `${name} is in the lobby`,
  knockedMany: (count: number) => `${count} people are in the lobby`,
  joined: (name: string) => `${name} joined`,
  left: (name: string) => `${name} left`,
};

export const quality = {
  title: "Connection",
  show: "How your connection fares",
  summary: (grade: Grade | null) =>
    grade === null ? "Connection: measuring…" : `Connection: ${quality.grades[grade]}`,
  grades: { good: "good", fair: "fair", poor: "poor" } satisfies Record<Grade, string>,
  path: "Path",
  paths: ({ kind, protocol }: Path) =>
    kind === "relay"
      ? `Through the relay, ${protocol.toUpperCase()}`
      : `Directly to the server, ${protocol.toUpperCase()}`,
  roundTrip: "Round trip",
  directions: { received: "You receive", sent: "You send" } satisfies Record<Direction, string>,
  nothing: {
    received: "Nothing comes in at the moment.",
    sent: "You send nothing at the moment.",
  } satisfies Record<Direction, string>,
  sources: {
    received: { audio: "Voices", camera: "Cameras", screen: "Shared screen" },
    sent: { audio: "Your microphone", camera: "Your camera", screen: "Your screen" },
  } satisfies Record<Direction, Record<Source, string>>,
  loss: "Loss",
  jitter: "Jitter",
  bitrate: "Bitrate",
  picture: "Picture",
  unknown: "–",
  percent: (share: number) => `${(share * 100).toFixed(1)} %`,
  milliseconds: (seconds: number) => `${Math.round(seconds * 1000)} ms`,
  rate: (bits: number) =>
    bits >= 1_000_000 ? `${(bits / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`,
  hint: "What you receive is measured here; what you send, by the server. If it says poor, try a cable or a spot nearer to the Wi-Fi, or turn your camera off.",
};

export const shortcuts = {
  microphone: "Mute or unmute",
  camera: "Start or stop the camera",
  share: "Share your screen or stop",
  people: "Show or hide people",
  help: "Show this list",
  ctrl: "Ctrl",
};

export function noticeText(notice: Notice): string {
  switch (notice.kind) {
    case "silenced":
      return "A presenter muted you.";
    case "still-silenced":
      return "A presenter muted you. Ask them to let you speak.";
    case "not-allowed":
      return "Only presenters may do that.";
    case "share-not-allowed":
      return "Only presenters may share a screen. Ask one to make you a presenter.";
    case "media-lost":
      return "Audio and video couldn't be connected. Your network may block them: try another one, then join again.";
    case "recording-failed":
      return "The recording ended by itself: the server couldn't write on. What was recorded is kept.";
    case "command-failed":
      if (notice.reason === "recordingNotAllowed") {
        return "Your organisation doesn't allow meetings to be recorded.";
      }
      if (notice.reason === "recordingFailed") {
        return "The server can't write a recording right now. Ask whoever runs it.";
      }
      return notice.reason === "userNotInLobby" || notice.reason === "userNotInConference"
        ? "They have already gone."
        : "That didn't work. Please try again.";
  }
}
