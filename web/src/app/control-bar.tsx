import {
  Button,
  CounterBadge,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  Text,
  Tooltip,
  tokens,
} from "@fluentui/react-components";
import {
  CallEndRegular,
  DismissCircleRegular,
  KeyboardRegular,
  MicOffRegular,
  MicRegular,
  MoreHorizontalRegular,
  PeopleRegular,
  PulseRegular,
  SettingsRegular,
  ShareScreenStartRegular,
  ShareScreenStopRegular,
  VideoOffRegular,
  VideoRegular,
} from "@fluentui/react-icons";
import { useState } from "react";
import { devices as deviceWords, meetings, quality as qualityWords, meeting as words } from "../messages";
import type { MeetingModel, MeetingState } from "../state/meeting";
import { isSilenced, peopleSorted, peopleWaiting } from "../state/tiles";
import { ConfirmDialog } from "./confirm-dialog";
import { Control, useControlStyles } from "./control";
import { AppearanceMenu } from "./page-frame";
import { mayRecord, RecordControl, RecordDialog, RecordMenuItem } from "./record-control";
import { SHORTCUTS } from "./shortcuts";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  bar: {
    display: "grid",
    gridTemplateColumns: "1fr auto 1fr",
    alignItems: "center",
    gap: tokens.spacingHorizontalM,
    padding: tokens.spacingHorizontalM,
    "@media (max-width: 640px)": { gridTemplateColumns: "auto" },
  },
  subject: {
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    paddingLeft: tokens.spacingHorizontalS,
    color: tokens.colorNeutralForeground2,
    "@media (max-width: 640px)": { display: "none" },
  },
  middle: { display: "flex", justifyContent: "center", gap: tokens.spacingHorizontalS },
  right: {
    display: "flex",
    justifyContent: "flex-end",
    "@media (max-width: 640px)": { display: "none" },
  },
  leave: {
    minWidth: "64px",
    height: "48px",
    fontSize: "24px",
    backgroundColor: "#b3372f",
    color: "#fff",
    border: "none",
    ":hover": { backgroundColor: "#9c2f28", color: "#fff" },
    ":hover:active": { backgroundColor: "#85271f", color: "#fff" },
  },
  people: { position: "relative" },
  badge: { position: "absolute", top: "-4px", right: "-4px" },
});

interface ControlBarProps {
  readonly model: MeetingModel;
  readonly state: MeetingState;
  readonly peopleOpen: boolean;
  readonly onPeople: () => void;
  readonly qualityOpen: boolean;
  readonly onQuality: () => void;
  readonly onHelp: () => void;
  readonly onDevices: () => void;
}

/** Everything one does in a meeting, in one row. */
export function ControlBar(props: ControlBarProps) {
  const { model, state } = props;
  const styles = useStyles();
  const looks = useControlStyles();
  const [asking, setAsking] = useState(false);
  const { microphoneOn, cameraOn } = useStore(model.devices.state);
  const muted = !microphoneOn || isSilenced(state.roster, model.identity.uri, state.endpoint);
  return (
    <div className={styles.bar} role="toolbar" aria-label={words.controls}>
      <Text className={styles.subject}>{state.roster.subject}</Text>
      <div className={styles.middle}>
        <Control
          testId="mute"
          label={muted ? words.unmute : words.mute}
          keys={SHORTCUTS.microphone.label}
          icon={muted ? <MicOffRegular /> : <MicRegular />}
          pressed={muted}
          className={muted ? looks.off : undefined}
          onClick={() => model.toggleMicrophone()}
        />
        <Control
          testId="camera"
          label={cameraOn ? words.cameraStop : words.cameraStart}
          keys={SHORTCUTS.camera.label}
          icon={cameraOn ? <VideoRegular /> : <VideoOffRegular />}
          pressed={!cameraOn}
          className={cameraOn ? undefined : looks.off}
          onClick={() => model.toggleCamera()}
        />
        <Control
          testId="share"
          label={state.screen ? words.shareStop : words.share}
          keys={SHORTCUTS.share.label}
          icon={state.screen ? <ShareScreenStopRegular /> : <ShareScreenStartRegular />}
          pressed={state.screen !== null}
          className={state.screen ? looks.active : undefined}
          onClick={() => model.toggleScreen()}
        />
        {mayRecord(state) && <RecordControl model={model} state={state} onStart={() => setAsking(true)} />}
        <PeopleControl {...props} />
        <MoreMenu {...props} onRecord={() => setAsking(true)} />
        <Tooltip content={words.leave} relationship="label">
          <Button
            shape="circular"
            className={styles.leave}
            icon={<CallEndRegular />}
            data-testid="leave"
            onClick={() => model.leave()}
          />
        </Tooltip>
      </div>
      <div className={styles.right}>
        <QualityControl {...props} />
        <AppearanceMenu />
      </div>
      <RecordDialog model={model} open={asking} onClose={() => setAsking(false)} />
    </div>
  );
}

function PeopleControl({ state, peopleOpen, onPeople }: ControlBarProps) {
  const styles = useStyles();
  const looks = useControlStyles();
  const waiting = peopleWaiting(state.roster).length;
  const inside = peopleSorted(state.roster).length;
  return (
    <span className={styles.people}>
      <Control
        testId="people"
        label={words.people}
        keys={SHORTCUTS.people.label}
        icon={<PeopleRegular />}
        pressed={peopleOpen}
        className={peopleOpen ? looks.active : undefined}
        onClick={onPeople}
      />
      <CounterBadge
        className={styles.badge}
        count={waiting || inside}
        color={waiting > 0 ? "danger" : "informative"}
        size="small"
        aria-hidden="true"
      />
    </span>
  );
}

function QualityControl({ qualityOpen, onQuality }: ControlBarProps) {
  return (
    <Tooltip content={qualityWords.show} relationship="description">
      <Button
        appearance="subtle"
        icon={<PulseRegular />}
        aria-label={qualityWords.title}
        aria-expanded={qualityOpen}
        data-testid="quality"
        onClick={onQuality}
      />
    </Tooltip>
  );
}

function MoreMenu(props: ControlBarProps & { onRecord: () => void }) {
  const { model, state, onHelp, onDevices, onQuality, onRecord } = props;
  const styles = useControlStyles();
  const [ending, setEnding] = useState(false);
  return (
    <>
      <Menu>
        <MenuTrigger disableButtonEnhancement>
          <Button
            shape="circular"
            className={styles.button}
            icon={<MoreHorizontalRegular />}
            aria-label={words.more}
            data-testid="more"
          />
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            <MenuItem icon={<SettingsRegular />} onClick={onDevices}>
              {deviceWords.settings}
            </MenuItem>
            <MenuItem icon={<PulseRegular />} onClick={onQuality}>
              {qualityWords.title}
            </MenuItem>
            <MenuItem icon={<KeyboardRegular />} onClick={onHelp}>
              {words.help}
            </MenuItem>
            {mayRecord(state) && <RecordMenuItem model={model} state={state} onStart={onRecord} />}
            {state.role !== "attendee" && (
              <MenuItem icon={<DismissCircleRegular />} data-testid="end" onClick={() => setEnding(true)}>
                {words.end}
              </MenuItem>
            )}
          </MenuList>
        </MenuPopover>
      </Menu>
      <ConfirmDialog
        open={ending}
        title={meetings.endTitle}
        text={words.endHint}
        action={words.endConfirm}
        onConfirm={() => model.endForAll()}
        onClose={() => setEnding(false)}
      />
    </>
  );
}
