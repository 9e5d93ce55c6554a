import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  makeStyles,
  Spinner,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { meeting as words } from "../messages";
import type { MeetingModel, MeetingState } from "../state/meeting";
import { type StageInput, sharedScreenOf, tilesOf } from "../state/tiles";
import { Announcer } from "./announcer";
import { ControlBar } from "./control-bar";
import { DevicesDialog } from "./devices-dialog";
import { KnockCards } from "./knock-cards";
import { NoticeBar } from "./notice-bar";
import { PeoplePanel } from "./people-panel";
import { QualityPanel } from "./quality-panel";
import { RecordingBar } from "./recording-bar";
import { ShortcutsDialog, useShortcuts } from "./shortcuts";
import { Stage } from "./stage";
import { SoundOutput } from "./stream-view";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  screen: {
    height: "100dvh",
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) auto",
    gridTemplateRows: "minmax(0, 1fr) auto",
    backgroundColor: tokens.colorNeutralBackground3,
  },
  stage: {
    position: "relative",
    minWidth: 0,
    minHeight: 0,
    display: "flex",
    flexDirection: "column",
    gap: tokens.spacingVerticalS,
    padding: tokens.spacingHorizontalM,
    paddingBottom: 0,
  },
  bar: { gridColumn: "1 / -1" },
  banner: { flexShrink: 0 },
});

/** The meeting itself. */
export function MeetingScreen({ model, link }: { model: MeetingModel; link: string }) {
  const styles = useStyles();
  const state = useStore(model.state);
  const leads = state.role !== "attendee";
  const [panel, setPanel] = useState<"people" | "quality" | null>(null);
  const peopleOpen = panel === "people";
  const toggle = (which: "people" | "quality") => setPanel(panel === which ? null : which);
  const [helpOpen, setHelpOpen] = useState(false);
  const [devicesOpen, setDevicesOpen] = useState(false);
  useTitle(state.roster.subject);
  useShortcuts({
    microphone: () => model.toggleMicrophone(),
    camera: () => model.toggleCamera(),
    share: () => model.toggleScreen(),
    people: () => toggle("people"),
    help: () => setHelpOpen(true),
  });
  const input = stageInput(model, state);
  return (
    <div className={styles.screen} data-testid="meeting">
      <main className={styles.stage} aria-label={words.stage}>
        <Banners model={model} state={state} />
        <Stage
          model={model}
          tiles={tilesOf(input)}
          shared={sharedScreenOf(input)}
          ownScreen={state.screen}
          invite={leads ? link : null}
        />
        {leads && !peopleOpen && <KnockCards model={model} roster={state.roster} />}
      </main>
      {peopleOpen && (
        <PeoplePanel
          model={model}
          state={state}
          {...(leads ? { link } : {})}
          onClose={() => setPanel(null)}
        />
      )}
      {panel === "quality" && <QualityPanel model={model} onClose={() => setPanel(null)} />}
      <div className={styles.bar}>
        <ControlBar
          model={model}
          state={state}
          peopleOpen={peopleOpen}
          onPeople={() => toggle("people")}
          qualityOpen={panel === "quality"}
          onQuality={() => toggle("quality")}
          onHelp={() => setHelpOpen(true)}
          onDevices={() => setDevicesOpen(true)}
        />
      </div>
      <ShortcutsDialog open={helpOpen} onClose={() => setHelpOpen(false)} />
      <DevicesDialog model={model.devices} open={devicesOpen} onClose={() => setDevicesOpen(false)} />
      <Announcer model={model} />
    </div>
  );
}

function stageInput(model: MeetingModel, state: MeetingState): StageInput {
  return {
    roster: state.roster,
    slots: state.slots,
    speaker: state.speaker,
    self: model.identity.uri,
    selfEndpoint: state.endpoint,
    selfName: model.identity.name,
  };
}

function Banners({ model, state }: { model: MeetingModel; state: MeetingState }) {
  const styles = useStyles();
  const [soundBlocked, setSoundBlocked] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const allowSound = () => {
    setSoundBlocked(false);
    setAttempt(attempt + 1);
  };
  return (
    <>
      {state.media === "connected" && (
        <SoundOutput
          streams={model.audioStreams()}
          attempt={attempt}
          onBlocked={() => setSoundBlocked(true)}
        />
      )}
      {state.reconnecting && (
        <MessageBar intent="warning" className={styles.banner} icon={<Spinner size="tiny" />}>
          <MessageBarBody>{words.reconnecting}</MessageBarBody>
        </MessageBar>
      )}
      {!state.reconnecting && state.media === "connecting" && (
        <MessageBar className={styles.banner} icon={<Spinner size="tiny" />}>
          <MessageBarBody>{words.mediaConnecting}</MessageBarBody>
        </MessageBar>
      )}
      {soundBlocked && (
        <MessageBar intent="warning" className={styles.banner}>
          <MessageBarBody>{words.soundBlocked}</MessageBarBody>
          <MessageBarActions>
            <Button appearance="primary" onClick={allowSound}>
              {words.soundAllow}
            </Button>
          </MessageBarActions>
        </MessageBar>
      )}
      <RecordingBar model={model} state={state} />
      <NoticeBar current={state.notice} />
    </>
  );
}

function useTitle(subject: string): void {
  useEffect(() => {
    const before = document.title;
    if (subject) {
      document.title = `${subject} · ${before}`;
    }
    return () => {
      document.title = before;
    };
  }, [subject]);
}
