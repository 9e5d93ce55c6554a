import { Avatar, makeStyles, mergeClasses, Text, tokens } from "@fluentui/react-components";
import { MicOffRegular } from "@fluentui/react-icons";
import { useCallback, useEffect, useState } from "react";
import { meeting as words } from "../messages";
import type { MeetingModel } from "../state/meeting";
import type { Tile } from "../state/tiles";
import { StreamVideo, useTrackStream } from "./stream-view";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  tile: {
    position: "relative",
    overflow: "hidden",
    borderRadius: "14px",
    backgroundColor: "#1a2424",
    backgroundImage: "radial-gradient(circle at 50% 38%, #2c4544, #172020 72%)",
    color: "#fff",
    outlineStyle: "solid",
    outlineWidth: "3px",
    outlineOffset: "-3px",
    outlineColor: "transparent",
    transitionProperty: "outline-color",
    transitionDuration: "160ms",
  },
  speaking: { outlineColor: "#ffc470" },
  avatar: { "@container (max-height: 160px)": { transform: "scale(0.5)" } },
  face: { containerType: "size", position: "absolute", inset: 0, display: "grid", placeItems: "center" },
  video: {
    position: "absolute",
    inset: 0,
    width: "100%",
    height: "100%",
    objectFit: "cover",
    // Below the outline of whoever speaks.
    zIndex: -1,
  },
  isolated: { isolation: "isolate" },
  dark: { visibility: "hidden" },
  mirrored: { transform: "scaleX(-1)" },
  label: {
    position: "absolute",
    left: "10px",
    bottom: "10px",
    maxWidth: "calc(100% - 20px)",
    boxSizing: "border-box",
    display: "flex",
    alignItems: "center",
    gap: "6px",
    padding: "3px 10px",
    borderRadius: tokens.borderRadiusCircular,
    backgroundColor: "rgba(11, 16, 16, 0.66)",
  },
  paused: {
    position: "absolute",
    top: "10px",
    left: "10px",
    padding: "3px 10px",
    borderRadius: tokens.borderRadiusCircular,
    backgroundColor: "rgba(11, 16, 16, 0.66)",
  },
  name: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
});

interface PersonTileProps {
  readonly tile: Tile;
  readonly model: MeetingModel;
  readonly width: number;
  readonly height: number;
}

/** One face, or initials while there is no picture. */
export function PersonTile({ tile, model, width, height }: PersonTileProps) {
  const styles = useStyles();
  return (
    <figure
      className={mergeClasses(styles.tile, styles.isolated, tile.speaking && styles.speaking)}
      style={{ width, height, margin: 0 }}
      data-testid={`tile-${tile.endpoint || "self"}`}
      data-speaking={tile.speaking}
      aria-label={describe(tile)}
    >
      {tile.isSelf ? (
        <OwnFace model={model} name={tile.name} />
      ) : (
        <OtherFace tile={tile} model={model} height={height} />
      )}
      {tile.paused && (
        <Text size={200} className={styles.paused} data-testid={`paused-${tile.endpoint}`}>
          {words.cameraPaused}
        </Text>
      )}
      <figcaption className={styles.label}>
        {tile.muted && <MicOffRegular aria-hidden="true" />}
        <Text size={200} className={styles.name}>
          {tile.isSelf ? words.youNamed(tile.name) : tile.name}
        </Text>
        {tile.isSelf && <OwnMicrophone model={model} silenced={tile.muted !== null} />}
      </figcaption>
    </figure>
  );
}

function OwnFace({ model, name }: { model: MeetingModel; name: string }) {
  const styles = useStyles();
  const { camera } = useStore(model.devices.state);
  const stream = useTrackStream(camera);
  if (!stream) {
    return <Initials name={name} />;
  }
  return (
    <StreamVideo
      stream={stream}
      className={mergeClasses(styles.video, styles.mirrored)}
      label={words.youNamed(name)}
    />
  );
}

function OwnMicrophone({ model, silenced }: { model: MeetingModel; silenced: boolean }) {
  const { microphoneOn } = useStore(model.devices.state);
  return microphoneOn || silenced ? null : <MicOffRegular aria-label={words.mutedNow} />;
}

function OtherFace({ tile, model, height }: { tile: Tile; model: MeetingModel; height: number }) {
  useHeight(model, tile.cameraSlot, height);
  const stream = tile.cameraSlot === null ? null : model.streamOf(tile.cameraSlot);
  return stream ? (
    <LiveFace key={tile.cameraSlot} stream={stream} name={tile.name} />
  ) : (
    <Initials name={tile.name} />
  );
}

/** Let the room know how large a picture is shown, in the screen's own pixels. */
function useHeight(model: MeetingModel, slot: string | null, height: number): void {
  useEffect(() => {
    if (slot === null) {
      return;
    }
    model.showAt(slot, height * window.devicePixelRatio);
    return () => model.showAt(slot, null);
  }, [model, slot, height]);
}

/** A camera whose picture comes and goes. */
function LiveFace({ stream, name }: { stream: MediaStream; name: string }) {
  const styles = useStyles();
  const [live, setLive] = useState(false);
  const onLive = useCallback((next: boolean) => setLive(next), []);
  return (
    <>
      <StreamVideo
        stream={stream}
        className={mergeClasses(styles.video, !live && styles.dark)}
        label={name}
        onLive={onLive}
      />
      {!live && <Initials name={name} />}
    </>
  );
}

/** Sized by the tile it stands in, through a container query. */
function Initials({ name }: { name: string }) {
  const styles = useStyles();
  return (
    <div className={styles.face}>
      <Avatar name={name} size={96} color="colorful" aria-hidden="true" className={styles.avatar} />
    </div>
  );
}

function describe(tile: Tile): string {
  const states = [
    tile.isSelf ? words.youNamed(tile.name) : tile.name,
    ...(tile.speaking ? [words.speaking] : []),
    ...(tile.muted ? [words.mutedBy[tile.muted]] : []),
    ...(tile.paused ? [words.cameraPaused] : []),
  ];
  return states.join(", ");
}
