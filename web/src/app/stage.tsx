import { Button, makeStyles, mergeClasses, Text, tokens } from "@fluentui/react-components";
import { ShareScreenStopRegular } from "@fluentui/react-icons";
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { meetings, meeting as words } from "../messages";
import { bestGrid, type Grid } from "../state/grid";
import type { MeetingModel } from "../state/meeting";
import type { SharedScreen, Tile } from "../state/tiles";
import { CopyField } from "./copy-field";
import { StreamVideo, useTrackStream } from "./stream-view";
import { PersonTile } from "./tile";

/** Between tiles, in pixels. */
const GAP = 10;

/** Milliseconds without a frame after which a shared screen counts as over; a still one has a frame a second. */
const SCREEN_PATIENCE = 5_000;

const useStyles = makeStyles({
  stage: { flexGrow: 1, minHeight: 0, display: "flex", gap: `${GAP}px` },
  withScreen: { "@media (max-width: 800px)": { flexDirection: "column" } },
  area: { flexGrow: 1, minWidth: 0, minHeight: 0, display: "grid", placeContent: "center" },
  strip: {
    flexGrow: 0,
    flexShrink: 0,
    width: "220px",
    "@media (max-width: 800px)": { width: "auto", height: "110px" },
  },
  grid: { display: "flex", flexWrap: "wrap", justifyContent: "center", gap: `${GAP}px` },
  screen: {
    position: "relative",
    flexGrow: 1,
    minWidth: 0,
    minHeight: 0,
    borderRadius: tokens.borderRadiusXLarge,
    overflow: "hidden",
    backgroundColor: "#0b1010",
  },
  // Out of sight but drawn, so that its frames are noticed when they come.
  parked: { position: "absolute", width: "2px", height: "2px", opacity: 0, pointerEvents: "none" },
  screenVideo: { position: "absolute", inset: 0, width: "100%", height: "100%", objectFit: "contain" },
  screenLabel: {
    position: "absolute",
    top: "12px",
    left: "12px",
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalM,
    padding: "6px 12px",
    borderRadius: tokens.borderRadiusCircular,
    backgroundColor: "rgba(11, 16, 16, 0.72)",
    color: "#fff",
  },
  alone: {
    flexShrink: 0,
    alignSelf: "center",
    width: "min(100%, 520px)",
    display: "flex",
    flexDirection: "column",
    alignItems: "stretch",
    textAlign: "center",
    gap: tokens.spacingVerticalXS,
    paddingBottom: tokens.spacingVerticalS,
  },
  aloneHint: { color: tokens.colorNeutralForeground2 },
});

interface StageProps {
  readonly model: MeetingModel;
  readonly tiles: readonly Tile[];
  readonly shared: SharedScreen | null;
  readonly ownScreen: MediaStreamTrack | null;
  /** The invite link, to offer while nobody else is here; null if it isn't ours to give. */
  readonly invite: string | null;
}

/** Faces in a grid; a shared screen takes the middle and the faces go to the side. */
export function Stage({ model, tiles, shared, ownScreen, invite }: StageProps) {
  const styles = useStyles();
  const area = useRef<HTMLDivElement>(null);
  const grid = useGrid(area, tiles.length);
  const own = useTrackStream(ownScreen);
  const remote = shared ? model.streamOf(shared.slot) : null;
  const [liveSlot, setLiveSlot] = useState<string | null>(null);
  const slot = shared?.slot ?? null;
  // The slot stays mapped after its sharer has stopped: only frames tell that there is something to see.
  const watch = useCallback((live: boolean) => setLiveSlot(live ? slot : null), [slot]);
  const remoteShown = remote !== null && liveSlot === slot;
  const screenShown = remoteShown || own !== null;
  return (
    <>
      <div className={mergeClasses(styles.stage, screenShown && styles.withScreen)}>
        {remote && shared && (
          <div
            className={mergeClasses(styles.screen, !remoteShown && styles.parked)}
            data-testid={remoteShown ? "screen" : undefined}
          >
            <StreamVideo
              key={shared.slot}
              stream={remote}
              className={styles.screenVideo}
              label={words.sharing(shared.name)}
              onLive={watch}
              patience={SCREEN_PATIENCE}
            />
            <ScreenLabel model={model} sharer={shared.name} />
          </div>
        )}
        {own && !remoteShown && (
          <div className={styles.screen} data-testid="screen">
            <StreamVideo stream={own} className={styles.screenVideo} label={words.sharingSelf} />
            <ScreenLabel model={model} sharer={null} />
          </div>
        )}
        <div ref={area} className={mergeClasses(styles.area, screenShown && styles.strip)}>
          <div className={styles.grid}>
            {tiles.map((tile) => (
              <PersonTile
                key={tile.isSelf ? "self" : tile.endpoint}
                tile={tile}
                model={model}
                width={grid.width}
                height={grid.height}
              />
            ))}
          </div>
        </div>
      </div>
      {tiles.length === 1 && !screenShown && <Alone invite={invite} />}
    </>
  );
}

function ScreenLabel({ model, sharer }: { model: MeetingModel; sharer: string | null }) {
  const styles = useStyles();
  return (
    <div className={styles.screenLabel}>
      <Text size={200}>{sharer === null ? words.sharingSelf : words.sharing(sharer)}</Text>
      {sharer === null && (
        <Button
          size="small"
          appearance="primary"
          icon={<ShareScreenStopRegular />}
          onClick={() => model.toggleScreen()}
        >
          {words.stopSharing}
        </Button>
      )}
    </div>
  );
}

function Alone({ invite }: { invite: string | null }) {
  const styles = useStyles();
  return (
    <div className={styles.alone}>
      <Text weight="semibold">{words.alone}</Text>
      {invite && (
        <>
          <Text className={styles.aloneHint}>{words.aloneHint}</Text>
          <CopyField
            value={invite}
            label={meetings.inviteLink}
            action={meetings.copyLink}
            testId="invite-link"
          />
        </>
      )}
    </div>
  );
}

/** The best grid for the element's present size. */
function useGrid(element: RefObject<HTMLDivElement | null>, count: number): Grid {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const target = element.current;
    if (!target) {
      return;
    }
    const observer = new ResizeObserver(() =>
      setSize({ width: target.clientWidth, height: target.clientHeight }),
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return bestGrid(size.width, size.height, count, GAP);
}
