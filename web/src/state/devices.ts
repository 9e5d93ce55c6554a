/** The person's own microphone and camera, from the preview through the whole meeting. */
import {
  type Captured,
  captureBoth,
  captureCamera,
  captureMicrophone,
  type Devices,
  type DeviceTrouble,
  listDevices,
} from "../media/local-media";
import { Store } from "./store";

export interface DevicesState {
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly microphoneId: string | null;
  readonly cameraId: string | null;
  /** Live while captured, even when muted (it is disabled then). */
  readonly microphone: MediaStreamTrack | null;
  readonly camera: MediaStreamTrack | null;
  readonly microphoneTrouble: DeviceTrouble | null;
  readonly cameraTrouble: DeviceTrouble | null;
  readonly available: Devices;
}

/** What is remembered from one meeting to the next. */
type Choice = Pick<DevicesState, "microphoneOn" | "cameraOn" | "microphoneId" | "cameraId">;

const REMEMBERED = "vestibule.devices";

export class DevicesModel {
  readonly state: Store<DevicesState>;
  #started = false;

  constructor() {
    this.state = new Store<DevicesState>({
      ...remembered(),
      microphone: null,
      camera: null,
      microphoneTrouble: null,
      cameraTrouble: null,
      available: { microphones: [], cameras: [] },
    });
  }

  /** Turn on what the person had on last time. */
  async start(): Promise<void> {
    if (this.#started) {
      return;
    }
    this.#started = true;
    navigator.mediaDevices?.addEventListener("devicechange", this.#refresh);
    const { microphoneOn, cameraOn, microphoneId, cameraId } = this.state.get();
    if (microphoneOn && cameraOn) {
      const captured = await captureBoth(microphoneId, cameraId);
      this.#takeMicrophone(captured.microphone);
      this.#takeCamera(captured.camera);
    } else if (microphoneOn) {
      this.#takeMicrophone(await captureMicrophone(microphoneId));
    } else if (cameraOn) {
      this.#takeCamera(await captureCamera(cameraId));
    }
    await this.#refresh();
  }

  /** Give everything back: no light stays on after a meeting. */
  stop(): void {
    this.#started = false;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#refresh);
    const { microphone, camera } = this.state.get();
    microphone?.stop();
    camera?.stop();
    this.state.patch({ microphone: null, camera: null });
  }

  async setMicrophone(on: boolean): Promise<void> {
    const { microphone, microphoneId } = this.state.get();
    this.#choose({ microphoneOn: on });
    if (microphone) {
      microphone.enabled = on;
    } else if (on) {
      this.#takeMicrophone(await captureMicrophone(microphoneId));
      await this.#refresh();
    }
  }

  async setCamera(on: boolean): Promise<void> {
    const { camera, cameraId } = this.state.get();
    this.#choose({ cameraOn: on });
    if (!on) {
      camera?.stop();
      this.state.patch({ camera: null });
    } else if (!camera) {
      this.#takeCamera(await captureCamera(cameraId));
      await this.#refresh();
    }
  }

  async chooseMicrophone(id: string): Promise<void> {
    this.#choose({ microphoneId: id });
    const { microphone, microphoneOn } = this.state.get();
    if (microphone || microphoneOn) {
      microphone?.stop();
      this.#takeMicrophone(await captureMicrophone(id));
    }
  }

  async chooseCamera(id: string): Promise<void> {
    this.#choose({ cameraId: id });
    const { camera, cameraOn } = this.state.get();
    if (cameraOn) {
      camera?.stop();
      this.#takeCamera(await captureCamera(id));
    }
  }

  readonly #refresh = async (): Promise<void> => {
    this.state.patch({ available: await listDevices() });
  };

  #takeMicrophone({ track, trouble }: Captured): void {
    if (!this.#started) {
      track?.stop();
      return;
    }
    if (track) {
      track.enabled = this.state.get().microphoneOn;
      track.onended = () => this.state.patch({ microphone: null, microphoneOn: false });
    }
    this.state.patch({
      microphone: track,
      microphoneTrouble: trouble,
      microphoneOn: track !== null && this.state.get().microphoneOn,
    });
  }

  #takeCamera({ track, trouble }: Captured): void {
    if (!this.#started || !this.state.get().cameraOn) {
      track?.stop();
      return;
    }
    if (track) {
      track.onended = () => this.state.patch({ camera: null, cameraOn: false });
    }
    this.state.patch({ camera: track, cameraTrouble: trouble, cameraOn: track !== null });
  }

  #choose(choice: Partial<Choice>): void {
    this.state.patch(choice);
    const { microphoneOn, cameraOn, microphoneId, cameraId } = this.state.get();
    localStorage.setItem(REMEMBERED, JSON.stringify({ microphoneOn, cameraOn, microphoneId, cameraId }));
  }
}

function remembered(): Choice {
  const fallback: Choice = { microphoneOn: true, cameraOn: true, microphoneId: null, cameraId: null };
  try {
    const stored: Partial<Choice> = JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}");
    return {
      microphoneOn: stored.microphoneOn !== false,
      cameraOn: stored.cameraOn !== false,
      microphoneId: typeof stored.microphoneId === "string" ? stored.microphoneId : null,
      cameraId: typeof stored.cameraId === "string" ? stored.cameraId : null,
    };
  } catch {
    return fallback;
  }
}
