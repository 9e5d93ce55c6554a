import { Button, makeStyles, Text, Title2, tokens } from "@fluentui/react-components";
import { lobby as words } from "../messages";
import type { MeetingModel } from "../state/meeting";
import { DoorMark } from "./brand";
import { CameraPreview } from "./camera-preview";
import { PageFrame } from "./page-frame";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  room: {
    maxWidth: "40em",
    marginInline: "auto",
    marginTop: "4vh",
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    textAlign: "center",
    gap: tokens.spacingVerticalL,
  },
  mark: { width: "88px", height: "88px" },
  text: { color: tokens.colorNeutralForeground2, textAlign: "center" },
  privacy: { color: tokens.colorNeutralForeground3 },
  preview: { width: "min(100%, 420px)" },
  live: { display: "flex", flexDirection: "column", gap: tokens.spacingVerticalM, alignItems: "center" },
});

/** Calm waiting: what happens, what others see of you (nothing), and the way out. */
export function LobbyPage({ model }: { model: MeetingModel }) {
  const styles = useStyles();
  const { phase, reconnecting } = useStore(model.state);
  const waiting = phase.kind === "lobby" && !reconnecting;
  return (
    <PageFrame>
      <section className={styles.room} data-testid={waiting ? "lobby" : "connecting"}>
        <DoorMark waiting className={styles.mark} />
        <div className={styles.live} role="status">
          <Title2 as="h1">
            {waiting ? words.title : reconnecting ? words.reconnecting : words.connecting}
          </Title2>
          {waiting && <Text className={styles.text}>{words.text}</Text>}
        </div>
        <CameraPreview model={model.devices} className={styles.preview} />
        <Text size={200} className={styles.privacy}>
          {words.privacy}
        </Text>
        <Button onClick={() => model.leave()} data-testid="leave">
          {words.leave}
        </Button>
      </section>
    </PageFrame>
  );
}
