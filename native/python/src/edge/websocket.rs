//! The opening handshake of SIP over WebSocket (RFC 6455 section 4.2, RFC 7118 section 4).
//!
//! A browser sends our cookies and certificates along wherever the page came from, so the page's Origin
//! must be one of ours. Without an Origin it is no browser, and proves itself by SIP's means. In either case the
//! Host is one of our names: a stranger's name that was made to lead here (DNS rebinding) opens nothing.

use thiserror::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::http::header::{
    HOST, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
};

use super::http_head::refusal;

const SUBPROTOCOL: &str = "sip";

/// Why a WebSocket wasn't opened.
#[derive(Debug, Error)]
pub enum NotOpened {
    /// Not one Host header.
    #[error("one Host is needed")]
    NoHost,
    /// We aren't called so.
    #[error("Host is none of ours")]
    OtherHost,
    /// The page isn't ours.
    #[error("Origin not allowed")]
    Origin,
    /// The subprotocol `sip` isn't offered.
    #[error("subprotocol sip not offered")]
    Subprotocol,
    /// A version other than 13.
    #[error("WebSocket version not supported")]
    Version,
    /// Not a WebSocket handshake otherwise.
    #[error("malformed handshake: {0}")]
    Malformed(#[from] tokio_tungstenite::tungstenite::Error),
}

impl NotOpened {
    /// What to answer.
    pub fn response(&self) -> Vec<u8> {
        match self {
            Self::OtherHost => refusal(421, ""),
            Self::Origin => refusal(403, ""),
            Self::Version => refusal(426, "Sec-WebSocket-Version: 13\r\n"),
            Self::NoHost | Self::Subprotocol | Self::Malformed(_) => refusal(400, ""),
        }
    }
}

/// Answer a handshake: the response that opens the WebSocket. `hosts` are in lower case.
///
/// # Errors
/// Why it stays closed, with the response that says so.
pub fn open(head: &[u8], hosts: &[String], origins: &[String]) -> Result<Vec<u8>, NotOpened> {
    let malformed = || NotOpened::Malformed(ProtocolError::HandshakeIncomplete.into());
    let (_, request) = Request::try_parse(head)?.ok_or_else(malformed)?;
    let headers = request.headers();
    check_host(headers, hosts)?;
    if !is_allowed(headers, origins) {
        return Err(NotOpened::Origin);
    }
    if !offers_sip(headers) {
        return Err(NotOpened::Subprotocol);
    }
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_some_and(|version| version != "13")
    {
        return Err(NotOpened::Version);
    }
    let mut response = create_response(&request)?;
    response.headers_mut().insert(
        SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(SUBPROTOCOL),
    );
    let mut out = Vec::with_capacity(256);
    write_response(&mut out, &response)?;
    Ok(out)
}

/// RFC 9110 section 7.2: exactly one, without which there is no telling whom the peer means.
fn check_host(headers: &HeaderMap, hosts: &[String]) -> Result<(), NotOpened> {
    let mut given = headers.get_all(HOST).iter();
    let (Some(host), None) = (given.next(), given.next()) else {
        return Err(NotOpened::NoHost);
    };
    let ours = |one: &String| one.as_bytes().eq_ignore_ascii_case(host.as_bytes());
    if hosts.iter().any(ours) {
        Ok(())
    } else {
        Err(NotOpened::OtherHost)
    }
}

fn is_allowed(headers: &HeaderMap, origins: &[String]) -> bool {
    let mut given = headers.get_all(ORIGIN).iter();
    match (given.next(), given.next()) {
        (None, _) => true,
        (Some(origin), None) => origins
            .iter()
            .any(|allowed| allowed.as_bytes() == origin.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

fn offers_sip(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offered| offered.trim().eq_ignore_ascii_case(SUBPROTOCOL))
}

#[cfg(test)]
mod tests {
    use super::open;

    fn answer(extra: &str) -> String {
        answer_to("Host: H\r\n", extra)
    }

    fn answer_to(host: &str, extra: &str) -> String {
        let head = format!(
            "GET /sip HTTP/1.1\r\n{host}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
        );
        let origins = ["https://ours.test".to_owned()];
        let hosts = ["h".to_owned(), "h:8443".to_owned()];
        let bytes =
            open(head.as_bytes(), &hosts, &origins).unwrap_or_else(|refused| refused.response());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn opens_for_our_origin_or_none() {
        for origin in ["", "Origin: https://ours.test\r\n"] {
            let answer = answer(&format!(
                "{origin}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, sip\r\n"
            ));
            assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
            assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
            assert!(
                answer.contains("sec-websocket-protocol: sip\r\n"),
                "{answer}"
            );
            assert!(!answer.to_lowercase().contains("extensions"), "{answer}");
        }
    }

    #[test]
    fn refuses_other_hosts() {
        for (host, status) in [
            ("Host: h:8443\r\n", "101"),
            ("", "400"),
            ("Host: h\r\nHost: h\r\n", "400"),
            ("Host: \r\n", "421"),
            ("Host: h:443\r\n", "421"),
            ("Host: h.evil.test\r\n", "421"),
            ("Host: h, evil.test\r\n", "421"),
        ] {
            let rest = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n";
            let answer = answer_to(host, rest);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{host}: {answer}"
            );
        }
    }

    #[test]
    fn refuses_other_origins() {
        for origin in [
            "Origin: https://ours.test.evil.test\r\n",
            "Origin: http://ours.test\r\n",
            "Origin: https://ours.test:444\r\n",
            "Origin: null\r\n",
            "Origin: HTTPS://OURS.TEST\r\n",
            "Origin: https://ours.test\r\nOrigin: https://evil.test\r\n",
        ] {
            let answer = answer(&format!(
                "{origin}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
            ));
            assert!(answer.starts_with("HTTP/1.1 403 "), "{origin}: {answer}");
        }
    }

    #[test]
    fn refuses_a_handshake_without_its_parts() {
        for (extra, status) in [
            ("Sec-WebSocket-Version: 13\r\n", "400"),
            (
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sipx\r\n",
                "400",
            ),
            (
                "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Protocol: sip\r\n",
                "426",
            ),
            ("Sec-WebSocket-Protocol: sip\r\n", "400"),
        ] {
            let answer = answer(extra);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{answer}"
            );
        }
    }
}
