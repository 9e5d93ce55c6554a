//! What a browser may use under the `fips` setting: DTLS and SRTP of approved algorithms only.
//!
//! AES-GCM and the NIST curves for DTLS, AES-GCM for SRTP. dimpl lets nobody choose the SRTP profile, so the
//! cipher of the old one (AES-CM with HMAC-SHA1) is one that refuses every packet, in and out.

use std::sync::Arc;
use std::time::Instant;

use dimpl::crypto::{Dtls12CipherSuite as Suite12, Dtls13CipherSuite as Suite13};
use dimpl::{Config, Dtls, NamedGroup};
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::{
    Aes128CmSha1_80Cipher, CryptoError, CryptoProvider, SrtpProvider, SupportedAeadAes128Gcm,
    SupportedAeadAes256Gcm, SupportedAes128CmSha1_80, from_feature_flags,
};

/// As `from_feature_flags`, without what isn't approved.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        srtp_provider: &ApprovedSrtp,
        dtls_provider: &ApprovedDtls,
        ..from_feature_flags()
    }
}

#[derive(Debug)]
struct ApprovedDtls;

impl DtlsProvider for ApprovedDtls {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        // ICE has checked the way back, so DTLS needs no cookies.
        let mut config = Config::builder()
            .use_server_cookie(false)
            .dtls12_cipher_suites(&[
                Suite12::ECDHE_ECDSA_AES256_GCM_SHA384,
                Suite12::ECDHE_ECDSA_AES128_GCM_SHA256,
            ])
            .dtls13_cipher_suites(&[Suite13::AES_256_GCM_SHA384, Suite13::AES_128_GCM_SHA256])
            .kx_groups(&[NamedGroup::Secp256r1, NamedGroup::Secp384r1]);
        if let Some(mtu) = mtu {
            config = config.mtu(mtu);
        }
        let config = Arc::new(config.build().map_err(CryptoError::DtlsImpl)?);
        let cert = cert.clone();
        let dtls = match version {
            DtlsVersion::Dtls12 => Dtls::new_12(config, cert, now),
            DtlsVersion::Dtls13 => Dtls::new_13(config, cert, now),
            _ => Dtls::new_auto(config, cert, now),
        };
        Ok(Box::new(Instance(dtls)))
    }
}

/// str0m's own is private.
#[derive(Debug)]
struct Instance(Dtls);

impl DtlsInstance for Instance {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buffer)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}

#[derive(Debug)]
struct ApprovedSrtp;

impl SrtpProvider for ApprovedSrtp {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        &Refusing
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        from_feature_flags().srtp_provider.aead_aes_128_gcm()
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        from_feature_flags().srtp_provider.aead_aes_256_gcm()
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let usual = from_feature_flags().srtp_provider;
        usual.srtp_aes_128_ecb_round(key, input, output);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        let usual = from_feature_flags().srtp_provider;
        usual.srtp_aes_256_ecb_round(key, input, output);
    }
}

/// The cipher that takes no packet, and what makes it.
#[derive(Debug)]
struct Refusing;

impl SupportedAes128CmSha1_80 for Refusing {
    fn create_cipher(&self, _: [u8; 16], _: bool) -> Box<dyn Aes128CmSha1_80Cipher> {
        Box::new(Self)
    }
}

impl Aes128CmSha1_80Cipher for Refusing {
    fn encrypt(&mut self, _: &[u8; 16], _: &[u8], _: &mut [u8]) -> Result<(), CryptoError> {
        Err(turned_off())
    }

    fn decrypt(&mut self, _: &[u8; 16], _: &[u8], _: &mut [u8]) -> Result<(), CryptoError> {
        Err(turned_off())
    }
}

fn turned_off() -> CryptoError {
    CryptoError::Other("AES_CM_128_HMAC_SHA1_80 is turned off".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use dimpl::{Config, Dtls, NamedGroup};
    use str0m::crypto::dtls::{DtlsOutput, DtlsVersion};

    use super::{Suite12, provider};

    /// Whether a client of these groups and suites gets through to us.
    fn connects(groups: &[NamedGroup], suites: &[Suite12]) -> bool {
        let (now, dtls) = (Instant::now(), provider().dtls_provider);
        let config = Config::builder()
            .kx_groups(groups)
            .dtls12_cipher_suites(suites);
        let cert = dtls.generate_certificate().unwrap();
        let mut client = Dtls::new_12(Arc::new(config.build().unwrap()), cert.clone(), now);
        client.set_active(true);
        let mut server = dtls
            .new_dtls(&cert, now, DtlsVersion::Dtls12, None)
            .unwrap();
        server.set_active(false);
        let mut buffer = vec![0; 4096];
        let (mut sides, mut silent) = ([false, false], 0);
        client.handle_timeout(now).unwrap();
        server.handle_timeout(now).unwrap();
        for turn in 0.. {
            let is_client = turn % 2 == 0;
            silent += 1;
            loop {
                let output = if is_client {
                    client.poll_output(&mut buffer)
                } else {
                    server.poll_output(&mut buffer)
                };
                let taken = match output {
                    DtlsOutput::Packet(packet) if is_client => server.handle_packet(packet),
                    DtlsOutput::Packet(packet) => client.handle_packet(packet),
                    DtlsOutput::Connected => {
                        sides[usize::from(is_client)] = true;
                        continue;
                    }
                    DtlsOutput::Timeout(_) => break,
                    _ => continue,
                };
                if taken.is_err() {
                    return false;
                }
                silent = 0;
            }
            if sides == [true, true] || silent > 2 {
                break;
            }
        }
        sides == [true, true]
    }

    const GCM: Suite12 = Suite12::ECDHE_ECDSA_AES128_GCM_SHA256;
    const CHACHA: Suite12 = Suite12::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256;

    #[test]
    fn dtls_is_of_approved_algorithms_only() {
        assert!(connects(&[NamedGroup::Secp256r1], &[GCM]));
        assert!(connects(
            &[NamedGroup::X25519, NamedGroup::Secp384r1],
            &[CHACHA, GCM]
        ));
        assert!(!connects(&[NamedGroup::X25519], &[GCM]));
        assert!(!connects(&[NamedGroup::Secp256r1], &[CHACHA]));
    }

    #[test]
    fn the_old_srtp_cipher_takes_no_packet() {
        let old = provider().srtp_provider.aes_128_cm_sha1_80();
        let mut cipher = old.create_cipher([1; 16], true);
        let mut out = [0; 4];
        assert!(cipher.encrypt(&[0; 16], b"1234", &mut out).is_err());
        assert!(cipher.decrypt(&[0; 16], b"1234", &mut out).is_err());
        assert_eq!(out, [0; 4]);
    }
}
