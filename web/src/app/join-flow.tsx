import { makeStyles, Spinner } from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { common } from "../messages";
import type { SessionInfo } from "../state/api";
import type { MeetingLink } from "../state/identity";
import { JoinModel } from "../state/join";
import type { MeetingModel } from "../state/meeting";
import type { SessionModel } from "../state/session";
import { BadLinkPage } from "./bad-link-page";
import { FarewellPage } from "./farewell-page";
import { JoinPage } from "./join-page";
import { LobbyPage } from "./lobby-page";
import { navigate, place } from "./location";
import { MeetingScreen } from "./meeting-screen";
import { useStore } from "./use-store";

const useStyles = makeStyles({ middle: { height: "100%", display: "grid", placeItems: "center" } });

function here(): string {
  return `${place.get().path}${place.get().fragment}`;
}

/** From a meeting's link to the goodbye. */
export function JoinFlow(props: { session: SessionModel; link: MeetingLink; direct: boolean }) {
  const { session, link, direct } = props;
  const { phase } = useStore(session.state);
  // Somebody who signed in with this browser before is asked at the identity provider, which knows.
  const asking = phase === "signed-out" && session.mayBeMember();
  useEffect(() => {
    if (asking) {
      session.signIn(here(), true);
    }
  }, [asking, session]);
  if (asking) {
    return <Waiting />;
  }
  if (phase !== "signed-in" && link.key === null) {
    return <BadLinkPage onSignIn={() => session.signIn(here())} />;
  }
  return <Door session={session} link={link} direct={direct} onSignIn={() => session.signIn(here())} />;
}

function Door(props: { session: SessionModel; link: MeetingLink; direct: boolean; onSignIn: () => void }) {
  const { session, link, direct } = props;
  // One model for as long as the page is at this link, whatever is drawn anew around it.
  const [model] = useState(() => new JoinModel(link, session.api));
  const state = useStore(model.state);
  const member = useMember(session);
  useEffect(() => {
    model.load();
    return () => model.close();
  }, [model]);
  const enterAtOnce = direct && member !== null && state.info !== null;
  useEffect(() => {
    if (enterAtOnce && member && !model.state.get().meeting) {
      model.joinAs(member, session);
    }
  }, [enterAtOnce, member, model, session]);
  if (state.meeting) {
    return <Stay meeting={state.meeting} join={model} member={member !== null} />;
  }
  if (enterAtOnce) {
    return <Waiting />;
  }
  return (
    <JoinPage
      model={model}
      member={member}
      onMemberJoin={() => member && model.joinAs(member, session)}
      onSignIn={props.onSignIn}
    />
  );
}

function useMember(session: SessionModel): SessionInfo | null {
  const state = useStore(session.state);
  return state.phase === "signed-in" ? state.info : null;
}

/** Whatever the stay is at: lobby, meeting, goodbye. */
function Stay({ meeting, join, member }: { meeting: MeetingModel; join: JoinModel; member: boolean }) {
  const { phase } = useStore(meeting.state);
  switch (phase.kind) {
    case "connecting":
    case "lobby":
      return <LobbyPage model={meeting} />;
    case "in":
      return <MeetingScreen model={meeting} link={window.location.href} />;
    case "over":
      return (
        <FarewellPage
          ending={phase.ending}
          onAgain={() => {
            // The door is shown again, even to somebody who came straight in the first time.
            navigate(here(), { replace: true });
            join.again();
          }}
          {...(member ? { onHome: () => navigate("/") } : {})}
        />
      );
  }
}

function Waiting() {
  const styles = useStyles();
  return (
    <main className={styles.middle}>
      <Spinner size="large" label={common.loading} labelPosition="below" />
    </main>
  );
}
