import { Button } from "@fluentui/react-components";
import { DoorArrowLeftRegular, LockClosedRegular, PlugDisconnectedRegular } from "@fluentui/react-icons";
import { farewell, farewellActions } from "../messages";
import type { Ending } from "../signalling/ending";
import { StatementPage } from "./bad-link-page";

const FAULTS = new Set<Ending["kind"]>(["lost", "failed", "busy"]);
const REFUSALS = new Set<Ending["kind"]>(["rejected", "removed", "bad-key", "unknown-meeting"]);

/** Why it is over, in words, and what one can do now. */
export function FarewellPage(props: { ending: Ending; onAgain: () => void; onHome?: () => void }) {
  const { title, text, again } = farewell(props.ending);
  return (
    <StatementPage
      icon={iconOf(props.ending)}
      title={title}
      text={text}
      testId={props.ending.kind}
      actions={
        <>
          {again && (
            <Button appearance="primary" onClick={props.onAgain} data-testid="again">
              {farewellActions.again}
            </Button>
          )}
          {props.onHome && <Button onClick={props.onHome}>{farewellActions.home}</Button>}
        </>
      }
    />
  );
}

function iconOf({ kind }: Ending) {
  if (FAULTS.has(kind)) {
    return <PlugDisconnectedRegular />;
  }
  return REFUSALS.has(kind) ? <LockClosedRegular /> : <DoorArrowLeftRegular />;
}
