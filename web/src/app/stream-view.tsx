import { useEffect, useMemo, useRef, useState } from "react";

interface StreamVideoProps {
  readonly stream: MediaStream;
  readonly className?: string;
  readonly label: string;
  /** Whether frames are coming. Called on each change, first with true. */
  readonly onLive?: (live: boolean) => void;
  /** Milliseconds without a frame after which the picture counts as gone. */
  readonly patience?: number;
}

/** A picture without sound: sound has its own elements. */
export function StreamVideo({ stream, className, label, onLive, patience = 2_500 }: StreamVideoProps) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (video) {
      video.srcObject = stream;
      video.play().catch(() => {}); // muted video may always play; a rejection means it was replaced
    }
  }, [stream]);
  useEffect(() => {
    const video = element.current;
    return video && onLive ? watchFrames(video, patience, onLive) : undefined;
  }, [onLive, patience]);
  return <video ref={element} className={className} aria-label={label} autoPlay playsInline muted />;
}

/**
 * A receive slot's track never ends and never mutes when its sender stops, so frames are the only sign of
 * life. Returns what ends the watch.
 */
function watchFrames(video: HTMLVideoElement, patience: number, onLive: (live: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let handle = 0;
  let live = false;
  const stalled = () => {
    // A hidden page draws no frames; that says nothing about the sender.
    if (document.hidden) {
      timer = setTimeout(stalled, patience);
    } else {
      live = false;
      onLive(false);
    }
  };
  const frame = () => {
    clearTimeout(timer);
    timer = setTimeout(stalled, patience);
    if (!live) {
      live = true;
      onLive(true);
    }
    handle = video.requestVideoFrameCallback(frame);
  };
  handle = video.requestVideoFrameCallback(frame);
  return () => {
    clearTimeout(timer);
    video.cancelVideoFrameCallback(handle);
  };
}

/** A track of our own as a stream; the same one as long as the track is. */
export function useTrackStream(track: MediaStreamTrack | null): MediaStream | null {
  return useMemo(() => (track ? new MediaStream([track]) : null), [track]);
}

/** Everything there is to hear. Says when the browser refuses to play without a click. */
export function SoundOutput(props: {
  streams: readonly MediaStream[];
  attempt: number;
  onBlocked: () => void;
}) {
  return props.streams.map((stream) => (
    <SoundElement key={stream.id} stream={stream} attempt={props.attempt} onBlocked={props.onBlocked} />
  ));
}

function SoundElement(props: { stream: MediaStream; attempt: number; onBlocked: () => void }) {
  const { stream, attempt, onBlocked } = props;
  const element = useRef<HTMLAudioElement>(null);
  const blocked = useRef(onBlocked);
  blocked.current = onBlocked;
  const [started, setStarted] = useState(-1);
  useEffect(() => {
    const audio = element.current;
    if (audio && started !== attempt) {
      setStarted(attempt);
      audio.srcObject = stream;
      audio.play().catch((error: unknown) => {
        if (error instanceof DOMException && error.name === "NotAllowedError") {
          blocked.current();
        }
      });
    }
  }, [stream, attempt, started]);
  // biome-ignore lint/a11y/useMediaCaption: people speaking live; there is no text of it
  return <audio ref={element} autoPlay />;
}
