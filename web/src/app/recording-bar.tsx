import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Text,
  tokens,
} from "@fluentui/react-components";
import { RecordFilled } from "@fluentui/react-icons";
import { clockTime, fileSize, recording as words } from "../messages";
import type { RecordingProgress } from "../signalling/c3p";
import type { MeetingModel, MeetingState } from "../state/meeting";
import { isRecorded } from "../state/tiles";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  bar: {
    flexShrink: 0,
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalM,
    minHeight: "32px",
  },
  mark: {
    display: "inline-flex",
    alignItems: "center",
    gap: "6px",
    padding: "4px 12px",
    borderRadius: tokens.borderRadiusCircular,
    backgroundColor: "#b3372f",
    color: "#fff",
    fontVariantNumeric: "tabular-nums",
  },
  dot: {
    fontSize: "14px",
    animationName: { "0%": { opacity: 1 }, "50%": { opacity: 0.35 }, "100%": { opacity: 1 } },
    animationDuration: "2s",
    animationIterationCount: "infinite",
    "@media (prefers-reduced-motion: reduce)": { animationName: "none" },
  },
  notice: { flexShrink: 0 },
});

/** While the meeting is recorded: that it is, and whether one is in it oneself. Nobody is without a word of theirs. */
export function RecordingBar({ model, state }: { model: MeetingModel; state: MeetingState }) {
  const styles = useStyles();
  const { answer, progress } = useStore(model.recording.state);
  if (state.roster.recording.state !== "on") {
    return null;
  }
  const isIn = isRecorded(state.roster, model.identity.uri, state.endpoint);
  return (
    <>
      <div className={styles.bar} data-testid="recording">
        <Mark progress={progress} />
        {answer !== null && (
          <>
            <Text role="status" data-testid={isIn ? "recorded" : "not-recorded"}>
              {isIn ? words.isIn : words.isOut}
            </Text>
            {isIn ? (
              <Button size="small" data-testid="take-back" onClick={() => model.recording.decline()}>
                {words.takeBack}
              </Button>
            ) : (
              <Button size="small" data-testid="agree" onClick={() => model.recording.agree()}>
                {words.agree}
              </Button>
            )}
          </>
        )}
      </div>
      {answer === null && <Question model={model} by={state.roster.recording.by} />}
    </>
  );
}

function Mark({ progress }: { progress: RecordingProgress | null }) {
  const styles = useStyles();
  return (
    <span className={styles.mark} role="img" aria-label={words.marked}>
      <RecordFilled className={styles.dot} />
      <Text weight="semibold" data-testid="recording-progress">
        {progress
          ? `${words.mark} ${clockTime(progress.seconds)} · ${fileSize(progress.octets)}`
          : words.mark}
      </Text>
    </span>
  );
}

function Question({ model, by }: { model: MeetingModel; by: string }) {
  const styles = useStyles();
  return (
    <MessageBar intent="warning" layout="multiline" className={styles.notice} data-testid="recording-notice">
      <MessageBarBody role="alert">
        <MessageBarTitle>{words.by(by)}</MessageBarTitle> {words.notUntil}
      </MessageBarBody>
      <MessageBarActions>
        <Button appearance="primary" data-testid="agree" onClick={() => model.recording.agree()}>
          {words.agree}
        </Button>
        <Button data-testid="not-now" onClick={() => model.recording.decline()}>
          {words.notNow}
        </Button>
        <Button onClick={() => model.leave()}>{words.leave}</Button>
      </MessageBarActions>
    </MessageBar>
  );
}
