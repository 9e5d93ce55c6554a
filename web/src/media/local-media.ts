/** Microphone, camera and screen of this browser: asking for them, switching them, giving them back. */

export type DeviceTrouble = "denied" | "missing" | "busy";

export interface Devices {
  readonly microphones: readonly MediaDeviceInfo[];
  readonly cameras: readonly MediaDeviceInfo[];
}

export interface Captured {
  readonly track: MediaStreamTrack | null;
  readonly trouble: DeviceTrouble | null;
}

/** Both at once, so that the browser asks the person once; if that fails, each gets its own answer. */
export async function captureBoth(
  microphoneId: string | null,
  cameraId: string | null,
): Promise<{ readonly microphone: Captured; readonly camera: Captured }> {
  try {
    const constraints = { ...microphoneConstraints(microphoneId), ...cameraConstraints(cameraId) };
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return {
      microphone: { track: stream.getAudioTracks()[0] ?? null, trouble: null },
      camera: { track: stream.getVideoTracks()[0] ?? null, trouble: null },
    };
  } catch {
    const microphone = await captureMicrophone(microphoneId);
    return { microphone, camera: await captureCamera(cameraId) };
  }
}

/** The microphone, with the browser's own echo and noise suppression. */
export function captureMicrophone(deviceId: string | null): Promise<Captured> {
  return capture(microphoneConstraints(deviceId));
}

/** The camera at a size of which browsers make three layers. */
export function captureCamera(deviceId: string | null): Promise<Captured> {
  return capture(cameraConstraints(deviceId));
}

/** Ask the person for a screen or window; null if they changed their mind. */
export async function captureScreen(): Promise<MediaStreamTrack | null> {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      audio: false,
    });
    const track = stream.getVideoTracks()[0] ?? null;
    if (track) {
      track.contentHint = "detail";
    }
    return track;
  } catch {
    return null;
  }
}

/** What can be chosen from. Names are empty until the person allowed one of the kind. */
export async function listDevices(): Promise<Devices> {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return {
    microphones: devices.filter((device) => device.kind === "audioinput" && device.deviceId !== ""),
    cameras: devices.filter((device) => device.kind === "videoinput" && device.deviceId !== ""),
  };
}

function microphoneConstraints(deviceId: string | null): MediaStreamConstraints {
  return {
    audio: { ...chosen(deviceId), echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  };
}

function cameraConstraints(deviceId: string | null): MediaStreamConstraints {
  return {
    video: {
      ...chosen(deviceId),
      width: { ideal: 960 },
      height: { ideal: 540 },
      frameRate: { ideal: 24, max: 30 },
    },
  };
}

function chosen(deviceId: string | null): MediaTrackConstraints {
  return deviceId ? { deviceId: { ideal: deviceId } } : {};
}

async function capture(constraints: MediaStreamConstraints): Promise<Captured> {
  if (!navigator.mediaDevices) {
    return { track: null, trouble: "missing" }; // no secure context
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return { track: stream.getTracks()[0] ?? null, trouble: null };
  } catch (error) {
    return { track: null, trouble: troubleOf(error) };
  }
}

function troubleOf(error: unknown): DeviceTrouble {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") {
    return "denied";
  }
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "busy";
}
