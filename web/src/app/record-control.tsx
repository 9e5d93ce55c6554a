import { MenuItem, makeStyles, mergeClasses } from "@fluentui/react-components";
import { RecordRegular, RecordStopRegular } from "@fluentui/react-icons";
import { recording as words } from "../messages";
import type { MeetingModel, MeetingState } from "../state/meeting";
import { ConfirmDialog } from "./confirm-dialog";
import { Control, useControlStyles } from "./control";

const useStyles = makeStyles({
  // On a phone there is room for it in the menu only.
  wideOnly: { "@media (max-width: 640px)": { display: "none" } },
});

interface RecordProps {
  readonly model: MeetingModel;
  readonly state: MeetingState;
  /** Ask first. */
  readonly onStart: () => void;
}

/** Whether to offer it at all: to leaders, where the organisation allows it. */
export function mayRecord({ role, roster }: MeetingState): boolean {
  return role !== "attendee" && roster.recording.state !== "not-allowed";
}

export function RecordControl({ model, state, onStart }: RecordProps) {
  const styles = useStyles();
  const looks = useControlStyles();
  const on = state.roster.recording.state === "on";
  return (
    <Control
      testId="record"
      label={on ? words.stop : words.start}
      icon={on ? <RecordStopRegular /> : <RecordRegular />}
      pressed={!on}
      className={mergeClasses(styles.wideOnly, on && looks.off)}
      onClick={() => (on ? model.recording.stop() : onStart())}
    />
  );
}

export function RecordMenuItem({ model, state, onStart }: RecordProps) {
  const on = state.roster.recording.state === "on";
  return (
    <MenuItem
      icon={on ? <RecordStopRegular /> : <RecordRegular />}
      onClick={() => (on ? model.recording.stop() : onStart())}
    >
      {on ? words.stop : words.start}
    </MenuItem>
  );
}

/** What starting means for oneself and the others. */
export function RecordDialog(props: { model: MeetingModel; open: boolean; onClose: () => void }) {
  return (
    <ConfirmDialog
      open={props.open}
      title={words.startTitle}
      text={words.startText}
      action={words.startConfirm}
      onConfirm={() => props.model.recording.start()}
      onClose={props.onClose}
    />
  );
}
