import { Button, makeStyles, Subtitle2, Text, tokens } from "@fluentui/react-components";
import { ArrowRightRegular } from "@fluentui/react-icons";
import { useState } from "react";
import { meetings as words } from "../messages";
import { createdAt, type Meeting } from "../state/api";
import { ConfirmDialog } from "./confirm-dialog";
import { CopyField } from "./copy-field";
import { localPart, navigate } from "./location";

const useStyles = makeStyles({
  card: {
    padding: "20px clamp(16px, 3vw, 24px)",
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow4,
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) auto",
    gap: tokens.spacingVerticalM,
    alignItems: "center",
    "@media (max-width: 640px)": { gridTemplateColumns: "1fr" },
  },
  words: { minWidth: 0, display: "flex", flexDirection: "column" },
  subject: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  date: { color: tokens.colorNeutralForeground3 },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  link: { gridColumn: "1 / -1", minWidth: 0 },
});

/** One of the person's meetings. */
export function MeetingCard(props: { meeting: Meeting; onNewLink: () => void; onEnd: () => void }) {
  const { meeting, onNewLink, onEnd } = props;
  const styles = useStyles();
  const [ending, setEnding] = useState(false);
  const [renewing, setRenewing] = useState(false);
  return (
    <li className={styles.card} data-testid={`meeting-${meeting.id}`}>
      <div className={styles.words}>
        <Subtitle2 as="h3" className={styles.subject}>
          {meeting.subject}
        </Subtitle2>
        <Text size={200} className={styles.date}>
          {words.created(createdAt(meeting))}
        </Text>
      </div>
      <div className={styles.actions}>
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
      </div>
      <div className={styles.link}>
        <CopyField
          value={meeting.link}
          label={words.inviteLink}
          action={words.copyLink}
          testId="invite-link"
        />
      </div>
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
    </li>
  );
}
