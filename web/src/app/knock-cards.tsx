import { Avatar, Button, makeStyles, Text, tokens } from "@fluentui/react-components";
import { people as words } from "../messages";
import type { Participant, Roster } from "../signalling/roster";
import type { MeetingModel } from "../state/meeting";
import { peopleWaiting } from "../state/tiles";

/** More than this many cards become one. */
const MOST_CARDS = 3;

const useStyles = makeStyles({
  cards: {
    position: "absolute",
    top: "16px",
    right: "16px",
    width: "min(340px, calc(100% - 32px))",
    display: "flex",
    flexDirection: "column",
    gap: tokens.spacingVerticalS,
    zIndex: 2,
  },
  card: {
    display: "flex",
    flexDirection: "column",
    gap: tokens.spacingVerticalM,
    padding: tokens.spacingHorizontalL,
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow28,
    animationDuration: tokens.durationSlow,
    animationTimingFunction: tokens.curveDecelerateMid,
    animationName: { from: { opacity: 0, transform: "translateY(-12px)" }, to: { opacity: 1 } },
    "@media (prefers-reduced-motion: reduce)": { animationName: "none" },
  },
  who: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalM, minWidth: 0 },
  text: { overflowWrap: "anywhere" },
  actions: { display: "flex", gap: tokens.spacingHorizontalS },
  action: { flexGrow: 1 },
});

/** Somebody knocks: it stays until a leader answers, and makes no sound. */
export function KnockCards({ model, roster }: { model: MeetingModel; roster: Roster }) {
  const styles = useStyles();
  const waiting = peopleWaiting(roster);
  if (waiting.length === 0) {
    return null;
  }
  return (
    <div className={styles.cards}>
      {waiting.length > MOST_CARDS ? (
        <CrowdCard model={model} waiting={waiting} />
      ) : (
        waiting.map((person) => <KnockCard key={person.entity} model={model} person={person} />)
      )}
    </div>
  );
}

function KnockCard({ model, person }: { model: MeetingModel; person: Participant }) {
  const styles = useStyles();
  return (
    <div className={styles.card}>
      <div className={styles.who}>
        <Avatar name={person.name} color="colorful" aria-hidden="true" />
        <Text className={styles.text} weight="semibold">
          {words.knocked(person.name)}
        </Text>
      </div>
      <DoorAnswer model={model} person={person} />
    </div>
  );
}

function CrowdCard({ model, waiting }: { model: MeetingModel; waiting: readonly Participant[] }) {
  const styles = useStyles();
  return (
    <div className={styles.card}>
      <Text weight="semibold">{words.knockedMany(waiting.length)}</Text>
      <Button appearance="primary" onClick={() => model.admit(waiting.map((person) => person.entity))}>
        {words.admitAll(waiting.length)}
      </Button>
    </div>
  );
}

/** Let somebody in, or don't. */
export function DoorAnswer({ model, person }: { model: MeetingModel; person: Participant }) {
  const styles = useStyles();
  return (
    <div className={styles.actions}>
      <Button
        className={styles.action}
        appearance="primary"
        data-testid={`admit-${person.name}`}
        aria-label={words.admitNamed(person.name)}
        onClick={() => model.admit([person.entity])}
      >
        {words.admit}
      </Button>
      <Button
        className={styles.action}
        data-testid={`reject-${person.name}`}
        aria-label={words.rejectNamed(person.name)}
        onClick={() => model.reject([person.entity])}
      >
        {words.reject}
      </Button>
    </div>
  );
}
