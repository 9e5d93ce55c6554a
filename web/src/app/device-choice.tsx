import { Field, MessageBar, MessageBarBody, makeStyles, Select, tokens } from "@fluentui/react-components";
import { devices as words } from "../messages";
import type { DevicesModel } from "../state/devices";
import { LevelBar } from "./level-bar";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  fields: { display: "flex", flexDirection: "column", gap: tokens.spacingVerticalM },
});

/** Which microphone and camera, how loud, and what is wrong with them. */
export function DeviceChoice({ model }: { model: DevicesModel }) {
  const styles = useStyles();
  const state = useStore(model.state);
  return (
    <div className={styles.fields}>
      <Field label={words.microphone}>
        <DeviceSelect
          devices={state.available.microphones}
          value={state.microphoneId}
          onChoose={(id) => model.chooseMicrophone(id)}
        />
      </Field>
      <LevelBar track={state.microphoneOn ? state.microphone : null} />
      <Field label={words.camera}>
        <DeviceSelect
          devices={state.available.cameras}
          value={state.cameraId}
          onChoose={(id) => model.chooseCamera(id)}
        />
      </Field>
      {state.microphoneTrouble && <Trouble text={words.microphoneTrouble[state.microphoneTrouble]} />}
      {state.cameraTrouble && <Trouble text={words.cameraTrouble[state.cameraTrouble]} />}
    </div>
  );
}

function DeviceSelect(props: {
  devices: readonly MediaDeviceInfo[];
  value: string | null;
  onChoose: (id: string) => void;
}) {
  const known = props.devices.some((device) => device.deviceId === props.value);
  return (
    <Select
      value={known && props.value ? props.value : (props.devices[0]?.deviceId ?? "")}
      disabled={props.devices.length === 0}
      onChange={(_, { value }) => props.onChoose(value)}
    >
      {props.devices.length === 0 && <option value="">{words.defaultDevice}</option>}
      {props.devices.map((device, index) => (
        <option key={device.deviceId} value={device.deviceId}>
          {device.label || words.unnamed(index)}
        </option>
      ))}
    </Select>
  );
}

function Trouble({ text }: { text: string }) {
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>{text}</MessageBarBody>
    </MessageBar>
  );
}
