//! The SRTP keys that come of a DTLS handshake (RFC 5764), for what we protect ourselves.
//!
//! str0m keeps them, so they are noted where DTLS hands them over: one that looks on at str0m's own.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
    SrtpProfile,
};

use crate::srtp::{KeyRefused, SrtpReceiver, SrtpSender, Suite};

/// Where the keys of one connection will be once its handshake is done.
pub type FutureKeys = Arc<OnceLock<MediaKeys>>;

/// Keys and salts of both directions.
pub struct MediaKeys {
    suite: Suite,
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

impl std::fmt::Debug for MediaKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys stay out of every log.
        formatter
            .debug_tuple("MediaKeys")
            .field(&self.suite)
            .finish()
    }
}

impl MediaKeys {
    /// `exported` is as RFC 5764 section 4.2 lays it out: both keys, then both salts, the client's first.
    /// `None` if it is too short, or `fips` and the suite isn't of approved algorithms.
    pub(crate) fn new(
        profile: SrtpProfile,
        exported: &[u8],
        is_client: bool,
        fips: bool,
    ) -> Option<Self> {
        let suite = match profile {
            SrtpProfile::AEAD_AES_256_GCM => Suite::AeadAes256Gcm,
            SrtpProfile::AEAD_AES_128_GCM => Suite::AeadAes128Gcm,
            SrtpProfile::AES128_CM_SHA1_80 if !fips => Suite::AesCm128HmacSha1_80,
            _ => return None,
        };
        let (key, salt) = (suite.key_length(), suite.salt_length());
        let master = |side: usize| {
            let salts = 2 * key;
            let key = exported.get(side * key..(side + 1) * key)?;
            let salt = exported.get(salts + side * salt..salts + (side + 1) * salt)?;
            Some([key, salt].concat())
        };
        let sides = if is_client { (0, 1) } else { (1, 0) };
        Some(Self {
            suite,
            ours: master(sides.0)?,
            theirs: master(sides.1)?,
        })
    }

    /// What protects what we send, and proves what comes.
    ///
    /// # Errors
    /// [`KeyRefused`] if the library refuses them.
    pub fn open(&self) -> Result<(SrtpSender, SrtpReceiver), KeyRefused> {
        let sender = SrtpSender::new(self.suite, &self.ours)?;
        Ok((sender, SrtpReceiver::new(self.suite, &self.theirs)?))
    }
}

/// DTLS as somebody else does it, looked on at.
#[derive(Debug)]
pub struct WatchedDtls {
    inner: &'static dyn DtlsProvider,
    /// Only suites of approved algorithms are of use.
    fips: bool,
    newest: Mutex<FutureKeys>,
}

impl WatchedDtls {
    /// str0m wants providers that live for ever: there is one for each node, so that one is.
    pub fn leak(inner: &'static dyn DtlsProvider, fips: bool) -> &'static Self {
        Box::leak(Box::new(Self {
            inner,
            fips,
            newest: Mutex::default(),
        }))
    }

    /// The keys of the connection that was made last.
    pub fn newest(&self) -> FutureKeys {
        Arc::clone(&self.newest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl DtlsProvider for WatchedDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.inner.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.inner.new_dtls(cert, now, version, mtu)?;
        let keys = FutureKeys::default();
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        Ok(Box::new(Watched {
            inner,
            fips: self.fips,
            keys,
        }))
    }
}

#[derive(Debug)]
struct Watched {
    inner: Box<dyn DtlsInstance>,
    fips: bool,
    keys: FutureKeys,
}

impl DtlsInstance for Watched {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        let is_client = self.inner.is_active();
        let output = self.inner.poll_output(buffer);
        if let DtlsOutput::KeyingMaterial(exported, profile) = &output
            && let Some(keys) = MediaKeys::new(*profile, exported, is_client, self.fips)
        {
            // Only the first handshake counts; there is no other.
            let _ = self.keys.set(keys);
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_its_half() {
        let exported: Vec<u8> = (0..88).collect();
        let keys = |is_client| {
            MediaKeys::new(SrtpProfile::AEAD_AES_256_GCM, &exported, is_client, true).unwrap()
        };
        let (client, server) = (keys(true), keys(false));
        assert_eq!(client.ours, [&exported[..32], &exported[64..76]].concat());
        assert_eq!(client.theirs, [&exported[32..64], &exported[76..]].concat());
        assert_eq!((client.ours, client.theirs), (server.theirs, server.ours));
        let short = MediaKeys::new(SrtpProfile::AEAD_AES_256_GCM, &exported[..80], true, false);
        assert!(short.is_none());
    }

    #[test]
    fn the_old_suite_is_not_approved() {
        let keys = |fips| MediaKeys::new(SrtpProfile::AES128_CM_SHA1_80, &[1; 60], false, fips);
        assert!(keys(false).is_some() && keys(true).is_none());
    }
}
