import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
} from "@fluentui/react-components";
import { common, devices as words } from "../messages";
import type { DevicesModel } from "../state/devices";
import { DeviceChoice } from "./device-choice";

/** Change microphone or camera in the middle of a meeting. */
export function DevicesDialog(props: { model: DevicesModel; open: boolean; onClose: () => void }) {
  return (
    <Dialog open={props.open} onOpenChange={(_, { open }) => !open && props.onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{words.settings}</DialogTitle>
          <DialogContent>
            <DeviceChoice model={props.model} />
          </DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button appearance="primary">{common.close}</Button>
            </DialogTrigger>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
