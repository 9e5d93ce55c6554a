import {
  Button,
  Field,
  Input,
  Link,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  makeStyles,
  Text,
  Title2,
  tokens,
} from "@fluentui/react-components";
import { type FormEvent, useEffect, useState } from "react";
import { common, join as words } from "../messages";
import type { SessionInfo } from "../state/api";
import type { JoinModel } from "../state/join";
import { CameraPreview } from "./camera-preview";
import { DeviceChoice } from "./device-choice";
import { PageFrame } from "./page-frame";
import { PhoneAddress } from "./phone-address";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  columns: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1.35fr) minmax(0, 1fr)",
    gap: "clamp(24px, 4vw, 48px)",
    alignItems: "start",
    paddingTop: "2vh",
    "@media (max-width: 800px)": { gridTemplateColumns: "1fr" },
  },
  side: { display: "flex", flexDirection: "column", gap: tokens.spacingVerticalXL },
  form: { display: "flex", flexDirection: "column", gap: tokens.spacingVerticalL },
  lead: { color: tokens.colorNeutralForeground2 },
  member: { display: "flex", gap: tokens.spacingHorizontalXS, flexWrap: "wrap" },
});

interface JoinPageProps {
  readonly model: JoinModel;
  readonly member: SessionInfo | null;
  readonly onMemberJoin: () => void;
  readonly onSignIn: () => void;
}

/** The door: how one looks and sounds, one's name, and one button that knocks. */
export function JoinPage(props: JoinPageProps) {
  const { model, member } = props;
  const styles = useStyles();
  const { info, trouble } = useStore(model.state);
  useEffect(() => {
    model.devices.start();
  }, [model]);
  return (
    <PageFrame>
      <div className={styles.columns}>
        <CameraPreview model={model.devices} />
        <div className={styles.side}>
          <Title2 as="h1">{words.title(capitalized(model.link.organizer))}</Title2>
          {trouble && (
            <MessageBar intent="error" layout="multiline">
              <MessageBarBody>{words.unreachable}</MessageBarBody>
              <MessageBarActions>
                <Button onClick={() => model.load()}>{words.retry}</Button>
              </MessageBarActions>
            </MessageBar>
          )}
          {member ? (
            <MemberDoor {...props} ready={info !== null} />
          ) : (
            <GuestDoor {...props} ready={info !== null} />
          )}
          <DeviceChoice model={model.devices} />
          {info && <PhoneAddress address={info.focus} />}
        </div>
      </div>
    </PageFrame>
  );
}

function MemberDoor({ member, onMemberJoin, ready }: JoinPageProps & { ready: boolean }) {
  const styles = useStyles();
  return (
    <div className={styles.form}>
      <Text className={styles.lead}>{words.memberLead(member?.person.display_name ?? "")}</Text>
      <Button
        size="large"
        appearance="primary"
        data-testid="knock"
        disabledFocusable={!ready}
        onClick={onMemberJoin}
      >
        {words.joinNow}
      </Button>
    </div>
  );
}

function GuestDoor({ model, onSignIn, ready }: JoinPageProps & { ready: boolean }) {
  const styles = useStyles();
  const [name, setName] = useState(() => model.rememberedName());
  const [missing, setMissing] = useState(false);
  const knock = (event: FormEvent) => {
    event.preventDefault();
    setMissing(name.trim() === "");
    if (name.trim() !== "") {
      model.knock(name.trim());
    }
  };
  return (
    <form className={styles.form} onSubmit={knock} noValidate>
      <Text className={styles.lead}>{words.guestLead}</Text>
      <Field label={words.name} required {...(missing ? { validationMessage: words.nameMissing } : {})}>
        <Input
          size="large"
          value={name}
          maxLength={64}
          autoComplete="name"
          placeholder={words.namePlaceholder}
          data-testid="guest-name"
          onChange={(_, { value }) => setName(value)}
        />
      </Field>
      <Button type="submit" size="large" appearance="primary" data-testid="knock" disabledFocusable={!ready}>
        {words.knock}
      </Button>
      <Text className={styles.member}>
        {words.memberAlready}
        <Link as="button" type="button" onClick={onSignIn}>
          {common.signIn}
        </Link>
      </Text>
    </form>
  );
}

function capitalized(user: string): string {
  return user.charAt(0).toUpperCase() + user.slice(1);
}
