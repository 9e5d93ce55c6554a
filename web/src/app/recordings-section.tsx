import {
  Button,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Spinner,
  Subtitle1,
  Subtitle2,
  Text,
  tokens,
} from "@fluentui/react-components";
import { ArrowDownloadRegular } from "@fluentui/react-icons";
import { useEffect, useState } from "react";
import { clockTime, common, fileSize, meetings, recordings as words } from "../messages";
import type { Api, KeptRecording } from "../state/api";
import { RecordingsModel } from "../state/recordings";
import { Card, CardList } from "./card-list";
import { ConfirmDialog } from "./confirm-dialog";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  title: { marginBottom: tokens.spacingVerticalM },
  empty: {
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    gap: tokens.spacingVerticalS,
    paddingBlock: "32px",
    textAlign: "center",
    color: tokens.colorNeutralForeground2,
  },
});

/** The recordings of the person's meetings. Where nothing may be recorded, only if there are any. */
export function RecordingsSection({ api, allowed }: { api: Api; allowed: boolean }) {
  const styles = useStyles();
  const [model] = useState(() => new RecordingsModel(api));
  const state = useStore(model.state);
  useEffect(() => {
    model.load();
  }, [model]);
  if (!allowed && state.recordings.length === 0) {
    return null;
  }
  return (
    <section aria-labelledby="my-recordings" data-testid="recordings">
      <Subtitle1 as="h2" block id="my-recordings" className={styles.title}>
        {words.title}
      </Subtitle1>
      {state.trouble && (
        <MessageBar intent="error">
          <MessageBarBody>{meetings.trouble[state.trouble]}</MessageBarBody>
        </MessageBar>
      )}
      {state.phase === "loading" && <Spinner label={common.loading} />}
      {state.phase === "ready" && state.recordings.length === 0 && (
        <div className={styles.empty}>
          <Subtitle2>{words.emptyTitle}</Subtitle2>
          <Text>{words.emptyText}</Text>
        </div>
      )}
      <CardList>
        {state.recordings.map((recording) => (
          <RecordingCard
            key={recording.id}
            recording={recording}
            model={model}
            downloading={state.downloading.has(recording.id)}
          />
        ))}
      </CardList>
    </section>
  );
}

function RecordingCard(props: { recording: KeptRecording; model: RecordingsModel; downloading: boolean }) {
  const { recording, model, downloading } = props;
  const [removing, setRemoving] = useState(false);
  const download = async () => {
    const file = await model.download(recording.id);
    if (file) {
      save(file, recording);
    }
  };
  const actions = (
    <>
      <Button
        appearance="subtle"
        aria-label={words.removeOf(recording.subject)}
        onClick={() => setRemoving(true)}
      >
        {words.remove}
      </Button>
      <Button
        icon={downloading ? <Spinner size="tiny" /> : <ArrowDownloadRegular />}
        disabledFocusable={downloading}
        aria-label={words.downloadOf(recording.subject)}
        onClick={download}
      >
        {downloading ? words.downloading : words.download}
      </Button>
    </>
  );
  return (
    <Card
      title={recording.subject}
      lines={[words.about(new Date(recording.started_at * 1000), recording.started_by), extent(recording)]}
      state={words.states[recording.state]}
      actions={recording.state !== "recording" && actions}
      testId="kept-recording"
    >
      <ConfirmDialog
        open={removing}
        title={words.removeTitle}
        text={words.removeText}
        action={words.remove}
        onConfirm={() => model.remove(recording.id)}
        onClose={() => setRemoving(false)}
      />
    </Card>
  );
}

/** How long and large it is, and how long it is kept. */
function extent({ seconds, octets, deleted_after }: KeptRecording): string {
  const size = [seconds === null ? "" : clockTime(seconds), octets === null ? "" : fileSize(octets)];
  return [...size, words.until(new Date(deleted_after * 1000))].filter(Boolean).join(" · ");
}

/** Hand a file to the browser's downloads. */
function save(file: Blob, { started_at }: KeptRecording): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  const day = new Date(started_at * 1000).toISOString().slice(0, 16).replace("T", "-").replace(":", "");
  link.download = `recording-${day}.webm`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
