import {
  Avatar,
  Button,
  Field,
  Input,
  Menu,
  MenuItem,
  MenuItemLink,
  MenuList,
  MenuPopover,
  MenuTrigger,
  MessageBar,
  MessageBarBody,
  makeStyles,
  Spinner,
  Subtitle1,
  Text,
  Title2,
  tokens,
} from "@fluentui/react-components";
import { KeyRegular, SignOutRegular, VideoAddRegular } from "@fluentui/react-icons";
import { type FormEvent, useEffect, useState } from "react";
import { common, meetings as words } from "../messages";
import type { SessionInfo } from "../state/api";
import { MeetingsModel, type MeetingsState } from "../state/meetings";
import type { SessionModel } from "../state/session";
import { DoorMark } from "./brand";
import { CardList } from "./card-list";
import { localPart, navigate } from "./location";
import { MeetingCard } from "./meeting-card";
import { PageFrame } from "./page-frame";
import { RecordingsSection } from "./recordings-section";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  page: { display: "flex", flexDirection: "column", gap: "32px" },
  start: {
    padding: "clamp(20px, 4vw, 32px)",
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow8,
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) auto",
    alignItems: "end",
    columnGap: tokens.spacingHorizontalL,
    rowGap: tokens.spacingVerticalM,
    "@media (max-width: 640px)": { gridTemplateColumns: "1fr" },
  },
  words: { gridColumn: "1 / -1", display: "flex", flexDirection: "column", gap: tokens.spacingVerticalXS },
  hint: { color: tokens.colorNeutralForeground2 },
  listTitle: { marginBottom: tokens.spacingVerticalM },
  empty: {
    display: "flex",
    flexDirection: "column",
    alignItems: "center",
    gap: tokens.spacingVerticalS,
    paddingBlock: "48px",
    textAlign: "center",
    color: tokens.colorNeutralForeground2,
  },
  emptyMark: { width: "64px", height: "64px", opacity: 0.85 },
  account: { minWidth: "auto", padding: "2px", border: "none" },
});

/** What a member sees first: start a meeting, or go to one. */
export function MeetingsPage({ session, info }: { session: SessionModel; info: SessionInfo }) {
  const styles = useStyles();
  const [model] = useState(() => new MeetingsModel(session.api));
  const state = useStore(model.state);
  useEffect(() => {
    model.load();
  }, [model]);
  const name = info.person.display_name;
  return (
    <PageFrame actions={<AccountMenu name={name} onSignOut={() => session.signOut()} />}>
      <div className={styles.page}>
        <StartMeeting model={model} creating={state.creating} name={name} />
        {state.trouble && (
          <MessageBar intent="error">
            <MessageBarBody>{words.trouble[state.trouble]}</MessageBarBody>
          </MessageBar>
        )}
        <section aria-labelledby="my-meetings">
          <Subtitle1 as="h2" block id="my-meetings" className={styles.listTitle}>
            {words.title}
          </Subtitle1>
          <MeetingList model={model} state={state} />
        </section>
        <RecordingsSection api={session.api} allowed={info.recording} />
      </div>
    </PageFrame>
  );
}

function StartMeeting(props: { model: MeetingsModel; creating: boolean; name: string }) {
  const styles = useStyles();
  const [subject, setSubject] = useState("");
  const start = async (event: FormEvent) => {
    event.preventDefault();
    const meeting = await props.model.create(subject.trim() || words.fallbackSubject(props.name));
    if (meeting) {
      navigate(localPart(meeting.link), { direct: true });
    }
  };
  return (
    <form className={styles.start} onSubmit={start}>
      <div className={styles.words}>
        <Title2 as="h1">{words.newTitle}</Title2>
        <Text className={styles.hint}>{words.newHint}</Text>
      </div>
      <Field label={words.subject}>
        <Input
          size="large"
          value={subject}
          maxLength={120}
          placeholder={words.subjectHint}
          onChange={(_, { value }) => setSubject(value)}
        />
      </Field>
      <Button
        type="submit"
        size="large"
        appearance="primary"
        icon={<VideoAddRegular />}
        disabledFocusable={props.creating}
        data-testid="meet-now"
      >
        {words.meetNow}
      </Button>
    </form>
  );
}

function MeetingList({ model, state }: { model: MeetingsModel; state: MeetingsState }) {
  const styles = useStyles();
  if (state.phase === "loading") {
    return <Spinner label={common.loading} />;
  }
  if (state.meetings.length === 0) {
    return (
      <div className={styles.empty}>
        <DoorMark className={styles.emptyMark} />
        <Subtitle1>{words.emptyTitle}</Subtitle1>
        <Text>{words.emptyText}</Text>
      </div>
    );
  }
  return (
    <CardList>
      {state.meetings.map((meeting) => (
        <MeetingCard
          key={meeting.id}
          meeting={meeting}
          onNewLink={() => model.replaceKey(meeting.id)}
          onEnd={() => model.end(meeting.id)}
        />
      ))}
    </CardList>
  );
}

function AccountMenu({ name, onSignOut }: { name: string; onSignOut: () => void }) {
  const styles = useStyles();
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          shape="circular"
          className={styles.account}
          aria-label={common.account(name)}
        >
          <Avatar name={name} color="colorful" aria-hidden="true" />
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItemLink icon={<KeyRegular />} href="/identity/security">
            {common.security}
          </MenuItemLink>
          <MenuItem icon={<SignOutRegular />} onClick={onSignOut}>
            {common.signOut}
          </MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
