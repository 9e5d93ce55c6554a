//! Via values (RFC 3261 section 20.42).

use crate::cursor::{Cursor, Span, is_lws, is_token};
use crate::uri::{is_host_name, is_ipv6, is_port};

/// Read one header line's Via values. Gives how many there are and the first one's branch (empty if it
/// has none, as with old Microsoft clients); `None` if one is malformed.
pub(crate) fn via_line(bytes: &[u8], value: Span) -> Option<(u32, Span)> {
    let mut cursor = Cursor::new(bytes, value);
    let mut count = 0;
    let mut first = Span::default();
    loop {
        let branch = via(bytes, &mut cursor)?;
        if count == 0 {
            first = branch;
        }
        count += 1;
        if cursor.is_done() {
            return Some((count, first));
        }
        if !cursor.eat(b',') {
            return None;
        }
    }
}

/// One value up to the end or a comma; gives its branch.
fn via(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<Span> {
    for place in 0..3 {
        if place > 0 && !cursor.eat(b'/') {
            return None;
        }
        cursor.skip_lws();
        if cursor.take_while(is_token).is_empty() {
            return None;
        }
        if place < 2 {
            cursor.skip_lws();
        }
    }
    if cursor.skip_lws().is_empty() {
        return None;
    }
    sent_by(bytes, cursor)?;
    let mut branch = None;
    cursor.parameters(|name, value| {
        if name.of(bytes).eq_ignore_ascii_case(b"branch") && branch.replace(value).is_some() {
            return None;
        }
        Some(())
    })?;
    Some(branch.unwrap_or_default())
}

fn sent_by(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<()> {
    let sound = if cursor.eat(b'[') {
        let inner = cursor.take_while(|byte| byte != b']');
        cursor.eat(b']') && is_ipv6(inner.of(bytes))
    } else {
        let host = cursor.take_while(|b| !is_lws(b) && !matches!(b, b':' | b';' | b','));
        is_host_name(host.of(bytes))
    };
    cursor.skip_lws();
    if sound && cursor.eat(b':') {
        cursor.skip_lws();
        let port = cursor.take_while(|byte| byte.is_ascii_digit());
        return is_port(port.of(bytes)).then_some(());
    }
    sound.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(u32, &str)> {
        let bytes = text.as_bytes();
        let (count, branch) = via_line(bytes, Span::new(0, bytes.len()))?;
        Some((count, std::str::from_utf8(branch.of(bytes)).unwrap()))
    }

    #[test]
    fn values_with_and_without_branch() {
        assert_eq!(
            read("SIP/2.0/tls 127.0.0.1:49446;branch=z9hG4bK8"),
            Some((1, "z9hG4bK8"))
        );
        assert_eq!(read("SIP/2.0/UDP h"), Some((1, "")));
        assert_eq!(
            read("SIP  / 2.0\r\n /TCP   h ;\r\n branch  =  x ,\r\n SIP/2.0/UDP [::1]:5 ;branch=y"),
            Some((2, "x"))
        );
        assert_eq!(
            read("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;rport;branch=b"),
            Some((1, "b"))
        );
    }

    #[test]
    fn malformed_values() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP h;;,;,,",
            "SIP/2.0 UDP h",
            "SIP/2.0/UDP h,",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0/UDP [1:2]",
            "SIP/2.0/UDP h;branch=a;branch=b",
            "SIP/2.0/UDP h;branch=",
            "SIP/2.0/UDP h x",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
