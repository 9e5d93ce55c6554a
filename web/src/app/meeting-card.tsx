import { Button } from "@fluentui/react-components";
import { ArrowRightRegular } from "@fluentui/react-icons";
import { useState } from "react";
import { meetings as words } from "../messages";
import { createdAt, type Meeting } from "../state/api";
import { Card } from "./card-list";
import { ConfirmDialog } from "./confirm-dialog";
import { CopyField } from "./copy-field";
import { localPart, navigate } from "./location";

/** One of the person's meetings. */
export function MeetingCard(props: { meeting: Meeting; onNewLink: () => void; onEnd: () => void }) {
  const { meeting, onNewLink, onEnd } = props;
  const [ending, setEnding] = useState(false);
  const [renewing, setRenewing] = useState(false);
  const actions = (
    <>
      <Button
        appearance="subtle"
        onClick={() => setRenewing(true)}
        aria-label={words.newLinkOf(meeting.subject)}
        data-testid={`new-link-${meeting.id}`}
      >
        {words.newLink}
      </Button>
      <Button appearance="subtle" onClick={() => setEnding(true)} aria-label={words.endOf(meeting.subject)}>
        {words.end}
      </Button>
      <Button
        appearance="primary"
        icon={<ArrowRightRegular />}
        iconPosition="after"
        data-testid={`join-${meeting.id}`}
        aria-label={words.joinOf(meeting.subject)}
        onClick={() => navigate(localPart(meeting.link), { direct: true })}
      >
        {words.join}
      </Button>
    </>
  );
  const link = (
    <CopyField value={meeting.link} label={words.inviteLink} action={words.copyLink} testId="invite-link" />
  );
  return (
    <Card
      title={meeting.subject}
      lines={[words.created(createdAt(meeting))]}
      actions={actions}
      below={link}
      testId={`meeting-${meeting.id}`}
    >
      <ConfirmDialog
        open={renewing}
        title={words.newLinkTitle}
        text={words.newLinkText}
        action={words.newLink}
        onConfirm={onNewLink}
        onClose={() => setRenewing(false)}
      />
      <ConfirmDialog
        open={ending}
        title={words.endTitle}
        text={words.endText}
        action={words.end}
        onConfirm={onEnd}
        onClose={() => setEnding(false)}
      />
    </Card>
  );
}
