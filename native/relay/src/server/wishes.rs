//! What an Allocate asks for (RFC 8656 section 7.2).

use crate::refusal::Refusal;
use crate::stun::Message;
use crate::stun::address::{IPV4, IPV6};
use crate::stun::attribute::{
    ADDITIONAL_ADDRESS_FAMILY, EVEN_PORT, REQUESTED_ADDRESS_FAMILY, REQUESTED_TRANSPORT,
    RESERVATION_TOKEN,
};

/// UDP, as an IP protocol number.
const UDP: u8 = 17;
/// In EVEN-PORT: the next port, too.
const RESERVE: u8 = 0x80;

/// A socket beside the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Second {
    None,
    /// The next port, kept for a later request.
    Reserved,
    /// An IPv6 address of the same allocation.
    Ipv6,
}

/// What an Allocate asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    pub(super) ipv6: bool,
    pub(super) even: bool,
    pub(super) second: Second,
}

impl Wishes {
    /// Check the request. TCP allocations (RFC 6062) are not offered: 442.
    pub(super) fn read(request: &Message<'_>) -> Result<Self, Refusal> {
        match request.attribute(REQUESTED_TRANSPORT) {
            Some(&[UDP, _, _, _]) => {}
            Some(&[_, _, _, _]) => return Err(Refusal::UnsupportedTransport),
            _ => return Err(Refusal::BadRequest),
        }
        let token = request.attribute(RESERVATION_TOKEN);
        let even = request.attribute(EVEN_PORT);
        let family = request.attribute(REQUESTED_ADDRESS_FAMILY);
        let additional = request.attribute(ADDITIONAL_ADDRESS_FAMILY);
        let clash = token.is_some() && (even.is_some() || family.is_some() || additional.is_some())
            || additional.is_some() && family.is_some();
        if clash {
            return Err(Refusal::BadRequest);
        }
        let ipv6 = match family {
            None | Some(&[IPV4, _, _, _]) => false,
            Some(&[IPV6, _, _, _]) => true,
            Some(&[_, _, _, _]) => return Err(Refusal::UnsupportedFamily),
            Some(_) => return Err(Refusal::BadRequest),
        };
        let reserve = match even {
            None => false,
            Some(&[flags]) => flags & RESERVE != 0,
            Some(_) => return Err(Refusal::BadRequest),
        };
        let second = match (reserve, additional) {
            (false, None) => Second::None,
            (true, None) => Second::Reserved,
            (false, Some(&[IPV6, _, _, _])) => Second::Ipv6,
            (_, Some(_)) => return Err(Refusal::BadRequest),
        };
        let even = even.is_some();
        Ok(Self { ipv6, even, second })
    }
}
