import { Button, MessageBar, MessageBarActions, MessageBarBody } from "@fluentui/react-components";
import { DismissRegular } from "@fluentui/react-icons";
import { useEffect, useState } from "react";
import { common, noticeText } from "../messages";
import type { MeetingState } from "../state/meeting";

/** How long a notice stays, in milliseconds. */
const STAY = 8_000;

/** The newest thing to tell the person, for a while or until dismissed. */
export function NoticeBar({ current }: { current: MeetingState["notice"] }) {
  const [seen, setSeen] = useState(0);
  const number = current?.number ?? 0;
  useEffect(() => {
    const timer = setTimeout(() => setSeen(number), STAY);
    return () => clearTimeout(timer);
  }, [number]);
  if (!current || seen >= number) {
    return null;
  }
  return (
    <MessageBar intent="info" layout="multiline" data-testid="notice">
      <MessageBarBody>{noticeText(current.notice)}</MessageBarBody>
      <MessageBarActions
        containerAction={
          <Button
            appearance="transparent"
            aria-label={common.close}
            icon={<DismissRegular />}
            onClick={() => setSeen(number)}
          />
        }
      />
    </MessageBar>
  );
}
