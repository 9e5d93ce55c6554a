import {
  Avatar,
  Button,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  Subtitle2,
  Text,
  Tooltip,
  tokens,
} from "@fluentui/react-components";
import { CircleOffRegular, MicOffRegular, MoreHorizontalRegular, RecordFilled } from "@fluentui/react-icons";
import { meetings, meeting as meetingWords, people as words } from "../messages";
import { mediaEndpointsOf, muteOf, type Participant } from "../signalling/roster";
import type { MeetingModel, MeetingState } from "../state/meeting";
import { peopleSorted, peopleWaiting } from "../state/tiles";
import { CopyField } from "./copy-field";
import { DoorAnswer } from "./knock-cards";
import { SidePanel } from "./side-panel";

const useStyles = makeStyles({
  section: { display: "flex", flexDirection: "column", gap: tokens.spacingVerticalS },
  sectionHead: { display: "flex", justifyContent: "space-between", alignItems: "center", minHeight: "32px" },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "flex",
    flexDirection: "column",
    gap: tokens.spacingVerticalS,
  },
  waiting: {
    display: "flex",
    flexDirection: "column",
    gap: tokens.spacingVerticalS,
    padding: tokens.spacingHorizontalM,
    borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground3,
  },
  person: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalM, minWidth: 0 },
  words: { flexGrow: 1, minWidth: 0, display: "flex", flexDirection: "column" },
  name: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  detail: { color: tokens.colorNeutralForeground3 },
  recorded: { color: tokens.colorPaletteRedForeground1, display: "flex", flexShrink: 0 },
  notRecorded: { color: tokens.colorNeutralForeground3, display: "flex", flexShrink: 0 },
  muted: { color: tokens.colorPaletteRedForeground1, flexShrink: 0 },
});

interface PeoplePanelProps {
  readonly model: MeetingModel;
  readonly state: MeetingState;
  /** The invite link, for those who lead. */
  readonly link?: string;
  readonly onClose: () => void;
}

/** Who is here, who waits, and what leaders may do about it. */
export function PeoplePanel({ model, state, link, onClose }: PeoplePanelProps) {
  const styles = useStyles();
  const inside = peopleSorted(state.roster);
  const alone = inside.length <= 1;
  return (
    <SidePanel title={words.title} onClose={onClose}>
      {link && !alone && (
        <CopyField value={link} label={meetings.inviteLink} action={meetings.copyLink} testId="invite-link" />
      )}
      <Lobby model={model} waiting={peopleWaiting(state.roster)} />
      <section className={styles.section}>
        <Subtitle2 as="h3">{words.inMeeting(inside.length)}</Subtitle2>
        <ul className={styles.list}>
          {inside.map((person) => (
            <Person key={person.entity} person={person} model={model} state={state} />
          ))}
        </ul>
      </section>
    </SidePanel>
  );
}

function Lobby({ model, waiting }: { model: MeetingModel; waiting: readonly Participant[] }) {
  const styles = useStyles();
  if (waiting.length === 0) {
    return null;
  }
  return (
    <section className={styles.section} data-testid="lobby-queue">
      <div className={styles.sectionHead}>
        <Subtitle2 as="h3">{words.inLobby(waiting.length)}</Subtitle2>
        {waiting.length > 1 && (
          <Button
            size="small"
            data-testid="admit-all"
            onClick={() => model.admit(waiting.map((person) => person.entity))}
          >
            {words.admitAll(waiting.length)}
          </Button>
        )}
      </div>
      <ul className={styles.list}>
        {waiting.map((person) => (
          <li key={person.entity} className={styles.waiting}>
            <div className={styles.person}>
              <Avatar name={person.name} color="colorful" aria-hidden="true" />
              <Text className={styles.name} weight="semibold">
                {person.name}
              </Text>
            </div>
            <DoorAnswer model={model} person={person} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Person({ person, model, state }: { person: Participant; model: MeetingModel; state: MeetingState }) {
  const styles = useStyles();
  const isSelf = person.entity === model.identity.uri;
  const endpoints = mediaEndpointsOf(person);
  const mutes = endpoints.map(muteOf);
  const silenced = mutes.includes("presenter");
  const muted = silenced ? "presenter" : mutes.includes("self") ? "self" : null;
  const recorded = recordedOf(person);
  const actable = state.role !== "attendee" && !isSelf;
  return (
    <li className={styles.person} data-testid="roster-item">
      <Avatar name={person.name} color="colorful" aria-hidden="true" />
      <div className={styles.words}>
        <Text className={styles.name}>{isSelf ? meetingWords.youNamed(person.name) : person.name}</Text>
        <Text size={200} className={styles.detail}>
          {endpoints.length === 0 ? words.connecting : words.roles[person.role]}
        </Text>
      </div>
      {recorded !== null && <Consent agrees={recorded} />}
      {muted && <MicOffRegular className={styles.muted} aria-label={meetingWords.mutedBy[muted]} />}
      {actable && <PersonMenu person={person} model={model} silenced={silenced} />}
    </li>
  );
}

/** Whether any of their devices is in the recording; null while nothing is recorded. */
function recordedOf(person: Participant): boolean | null {
  const answers = mediaEndpointsOf(person).map((endpoint) => endpoint.recorded);
  return answers.every((answer) => answer === null) ? null : answers.includes(true);
}

function Consent({ agrees }: { agrees: boolean }) {
  const styles = useStyles();
  const label = agrees ? words.recorded : words.notRecorded;
  return (
    <Tooltip content={label} relationship="label">
      <span className={agrees ? styles.recorded : styles.notRecorded} role="img" data-recorded={agrees}>
        {agrees ? <RecordFilled /> : <CircleOffRegular />}
      </span>
    </Tooltip>
  );
}

function PersonMenu(props: { person: Participant; model: MeetingModel; silenced: boolean }) {
  const { person, model, silenced } = props;
  const changeable = person.role !== "organizer";
  const promoted = person.role === "presenter";
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          icon={<MoreHorizontalRegular />}
          aria-label={words.actions(person.name)}
          data-testid={`actions-${person.name}`}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItem onClick={() => model.silence(person, !silenced)}>
            {silenced ? words.unsilence : words.silence}
          </MenuItem>
          {changeable && (
            <MenuItem onClick={() => model.changeRole(person.entity, promoted ? "attendee" : "presenter")}>
              {promoted ? words.makeAttendee : words.makePresenter}
            </MenuItem>
          )}
          {changeable && <MenuItem onClick={() => model.remove(person.entity)}>{words.remove}</MenuItem>}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
