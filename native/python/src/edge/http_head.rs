//! The head of the first HTTP request: is it for us (the WebSocket `/sip`) or for the application?

/// Path of SIP over WebSocket.
const WEBSOCKET_PATH: &str = "/sip";

/// Largest head, request line and headers together.
pub const MAX_HEAD: usize = 16 * 1024;

const MAX_HEADERS: usize = 100;

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The end hasn't come.
    Partial,
    /// A WebSocket handshake for `/sip`, of that many octets.
    WebSocket(usize),
    /// For the application, which gets every byte as it came.
    Application,
    /// No head that we pass on: answer with this status.
    Refused(u16),
}

/// Read as much of the head as there is.
pub fn read_head(bytes: &[u8]) -> Head {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length > MAX_HEAD => Head::Refused(431),
        Ok(httparse::Status::Complete(length)) if is_websocket(&request) => Head::WebSocket(length),
        Ok(httparse::Status::Complete(_)) => Head::Application,
        Ok(httparse::Status::Partial) if bytes.len() >= MAX_HEAD => Head::Refused(431),
        Ok(httparse::Status::Partial) => Head::Partial,
        Err(httparse::Error::TooManyHeaders) => Head::Refused(431),
        Err(httparse::Error::Version) => Head::Refused(505),
        Err(_) => Head::Refused(400),
    }
}

fn is_websocket(request: &httparse::Request<'_, '_>) -> bool {
    let path = request.path.unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    path == WEBSOCKET_PATH
        && request.headers.iter().any(|header| {
            header.name.eq_ignore_ascii_case("upgrade")
                && header.value.eq_ignore_ascii_case(b"websocket")
        })
}

/// Errors are guarded as pages are (ATTACKS 17).
const GUARDED: &str = "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n\
    Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
    Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

/// A response of ours, a problem document (RFC 9457), after which the connection is closed.
pub fn refusal(status: u16, headers: &str) -> Vec<u8> {
    let reason = match status {
        400 => "Bad Request",
        403 => "Forbidden",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Refused",
    };
    let body = format!(r#"{{"type":"about:blank","title":"{reason}","status":{status}}}"#);
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {reason}\r\n{headers}{GUARDED}Connection: close\r\n\
         Content-Type: application/problem+json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Head, MAX_HEAD, read_head};

    #[test]
    fn tells_the_websocket_from_the_application() {
        let upgrade = b"GET /sip?x HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\n\r\n";
        assert_eq!(read_head(upgrade), Head::WebSocket(upgrade.len()));
        for other in [
            &b"GET /sip HTTP/1.1\r\nHost: h\r\n\r\n"[..],
            b"GET /sipping HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
            b"GET /sip HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        ] {
            assert_eq!(read_head(other), Head::Application);
        }
    }

    #[test]
    fn refuses_what_is_no_head() {
        assert_eq!(read_head(b"GET / HT"), Head::Partial);
        assert_eq!(read_head(b"GET / HTTP/2.0\r\n\r\n"), Head::Refused(505));
        assert_eq!(
            read_head(b"GET / HTTP/1.1\r\nno colon\r\n\r\n"),
            Head::Refused(400)
        );
        let endless = [b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; MAX_HEAD]].concat();
        assert_eq!(read_head(&endless), Head::Refused(431));
        let many = [
            b"GET / HTTP/1.1\r\n".to_vec(),
            b"A: a\r\n".repeat(101),
            b"\r\n".to_vec(),
        ]
        .concat();
        assert_eq!(read_head(&many), Head::Refused(431));
    }
}
