import { FluentProvider, makeStyles, Spinner, tokens } from "@fluentui/react-components";
import { lazy, Suspense, useEffect, useState } from "react";
import { common, signIn } from "../messages";
import { parseMeetingLink } from "../state/identity";
import { SessionModel } from "../state/session";
import { BadLinkPage } from "./bad-link-page";
import { navigate, type Place, place } from "./location";
import { MeetingsPage } from "./meetings-page";
import { SignInPage } from "./sign-in-page";
import { darkTheme, lightTheme, themeStore } from "./theme";
import { useStore } from "./use-store";

const useStyles = makeStyles({
  middle: {
    height: "100%",
    backgroundColor: tokens.colorNeutralBackground3,
    display: "grid",
    placeItems: "center",
  },
});

/** SIP and media are fetched only by those who come to a meeting. */
const JoinFlow = lazy(async () => ({ default: (await import("./join-flow")).JoinFlow }));

/** The whole client. */
export function App() {
  const { dark } = useStore(themeStore);
  const [session] = useState(() => new SessionModel());
  const where = useStore(place);
  useEffect(() => {
    // The callback page takes up the session by itself.
    if (place.get().path !== CALLBACK) {
      session.start();
    }
  }, [session]);
  return (
    <FluentProvider theme={dark ? darkTheme : lightTheme}>
      <Suspense fallback={<Waiting label={common.loading} />}>
        <Page session={session} where={where} />
      </Suspense>
    </FluentProvider>
  );
}

const CALLBACK = "/app/callback";

function Page({ session, where }: { session: SessionModel; where: Place }) {
  const state = useStore(session.state);
  if (where.path === CALLBACK) {
    return <CallbackPage session={session} />;
  }
  if (state.phase === "starting") {
    return <Waiting label={common.loading} />;
  }
  if (where.path.startsWith("/meet/")) {
    const link = parseMeetingLink(where.path, where.fragment);
    return link ? (
      <JoinFlow key={where.path + where.fragment} session={session} link={link} direct={where.direct} />
    ) : (
      <BadLinkPage />
    );
  }
  return state.phase === "signed-in" ? (
    <MeetingsPage session={session} info={state.info} />
  ) : (
    <SignInPage session={session} trouble={state.trouble} />
  );
}

function CallbackPage({ session }: { session: SessionModel }) {
  useEffect(() => {
    session.finishSignIn().then((returnTo) => navigate(returnTo, { replace: true }));
  }, [session]);
  return <Waiting label={signIn.working} />;
}

function Waiting({ label }: { label: string }) {
  const styles = useStyles();
  return (
    <main className={styles.middle}>
      <Spinner size="large" label={label} labelPosition="below" />
    </main>
  );
}
