import { makeStyles, mergeClasses, Text, tokens } from "@fluentui/react-components";
import { MicFilled, MicOffFilled, VideoFilled, VideoOffFilled, VideoOffRegular } from "@fluentui/react-icons";
import { meeting, devices as words } from "../messages";
import type { DevicesModel } from "../state/devices";
import { RoundToggle } from "./round-toggle";
import { StreamVideo, useTrackStream } from "./stream-view";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  frame: {
    position: "relative",
    aspectRatio: "16 / 9",
    borderRadius: tokens.borderRadiusXLarge,
    overflow: "hidden",
    backgroundColor: "#16201f",
    backgroundImage: "radial-gradient(circle at 50% 40%, #24403f, #121a1a 70%)",
    color: "#fff",
    boxShadow: tokens.shadow16,
  },
  video: {
    position: "absolute",
    inset: 0,
    width: "100%",
    height: "100%",
    objectFit: "cover",
    transform: "scaleX(-1)",
  },
  off: {
    position: "absolute",
    inset: 0,
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    justifyContent: "center",
    gap: tokens.spacingVerticalS,
    paddingBottom: "40px",
    color: "#b9cdcb",
  },
  offIcon: { fontSize: "40px" },
  controls: {
    position: "absolute",
    bottom: "16px",
    left: 0,
    right: 0,
    display: "flex",
    justifyContent: "center",
    gap: tokens.spacingHorizontalM,
  },
});

/** What others will see, as in a mirror, with the two switches on it. */
export function CameraPreview({ model, className }: { model: DevicesModel; className?: string }) {
  const styles = useStyles();
  const { microphoneOn, cameraOn, camera } = useStore(model.state);
  const stream = useTrackStream(camera);
  return (
    <div className={mergeClasses(styles.frame, className)}>
      {stream ? (
        <StreamVideo stream={stream} className={styles.video} label={words.preview} />
      ) : (
        <div className={styles.off}>
          <VideoOffRegular className={styles.offIcon} />
          <Text>{words.previewOff}</Text>
        </div>
      )}
      <div className={styles.controls}>
        <RoundToggle
          on={microphoneOn}
          label={microphoneOn ? meeting.mute : meeting.unmute}
          icon={microphoneOn ? <MicFilled /> : <MicOffFilled />}
          testId="mute"
          onClick={() => model.setMicrophone(!microphoneOn)}
        />
        <RoundToggle
          on={cameraOn}
          label={cameraOn ? meeting.cameraStop : meeting.cameraStart}
          icon={cameraOn ? <VideoFilled /> : <VideoOffFilled />}
          testId="camera"
          onClick={() => model.setCamera(!cameraOn)}
        />
      </div>
    </div>
  );
}
