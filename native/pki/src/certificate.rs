//! One certificate, parsed, with its extensions by identifier.

use std::time::Duration;

use x509_cert::Certificate as Fields;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Header, Reader, SliceReader};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::refusal::Refusal;
use crate::signature;

/// Extensions that we look into (RFC 5280 section 4.2).
pub mod id {
    use x509_cert::der::asn1::ObjectIdentifier;

    const fn oid(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }
    pub const SUBJECT_KEY: ObjectIdentifier = oid("2.5.29.14");
    pub const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
    pub const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
    pub const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
    pub const CRL_NUMBER: ObjectIdentifier = oid("2.5.29.20");
    pub const DELTA_CRL: ObjectIdentifier = oid("2.5.29.27");
    /// x509-cert's own constant for this one is another extension's.
    pub const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = oid("2.5.29.28");
    pub const NAME_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.30");
    pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
    pub const CERTIFICATE_POLICIES: ObjectIdentifier = oid("2.5.29.32");
    pub const AUTHORITY_KEY: ObjectIdentifier = oid("2.5.29.35");
    pub const POLICY_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.36");
    pub const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
    pub const INHIBIT_ANY_POLICY: ObjectIdentifier = oid("2.5.29.54");
    pub const AUTHORITY_INFO_ACCESS: ObjectIdentifier = oid("1.3.6.1.5.5.7.1.1");
}

/// A certificate whose fields can be asked for.
#[derive(Clone, Debug)]
pub struct Certificate {
    fields: Fields,
    /// What its signature is over.
    signed: Vec<u8>,
}

impl Certificate {
    /// Parse one certificate.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`], or [`Refusal::SerialNumber`] for one that is longer than may be.
    pub fn from_der(der: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::from_der(der).map_err(|_| Refusal::Unreadable)?;
        let signed = signed_part(der).ok_or(Refusal::Unreadable)?.to_vec();
        Ok(Self { fields, signed })
    }

    /// Everything else that stands in it.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Whose it is.
    pub fn subject(&self) -> &Name {
        self.fields.tbs_certificate().subject()
    }

    /// Who signed it.
    pub fn issuer(&self) -> &Name {
        self.fields.tbs_certificate().issuer()
    }

    /// Its public key.
    pub fn key(&self) -> &SubjectPublicKeyInfoOwned {
        self.fields.tbs_certificate().subject_public_key_info()
    }

    /// Its serial number as [`RevocationList`](crate::RevocationList) has them.
    pub fn serial(&self) -> &[u8] {
        self.fields.tbs_certificate().serial_number().as_bytes()
    }

    /// From its first second to its last.
    pub fn lifetime(&self) -> Duration {
        let validity = self.fields.tbs_certificate().validity();
        let ends = validity.not_after.to_unix_duration();
        ends.saturating_sub(validity.not_before.to_unix_duration())
    }

    /// Neither zero nor negative.
    pub fn has_positive_serial(&self) -> bool {
        let number = self.fields.tbs_certificate().serial_number().to_der();
        let first = number.ok().and_then(|der| der.get(2).copied());
        first.is_some_and(|first| first < 0x80) && self.serial().iter().any(|octet| *octet > 0)
    }

    /// All extensions.
    pub fn extensions(&self) -> &[Extension] {
        let extensions = self.fields.tbs_certificate().extensions();
        extensions.map_or(&[], Vec::as_slice)
    }

    /// One extension, whatever is in it.
    pub fn raw_extension(&self, id: ObjectIdentifier) -> Option<&Extension> {
        self.extensions().iter().find(|one| one.extn_id == id)
    }

    /// One extension's value.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`].
    pub fn extension<'a, T: Decode<'a>>(
        &'a self,
        id: ObjectIdentifier,
    ) -> Result<Option<T>, Refusal> {
        decode(self.raw_extension(id))
    }

    /// Whether a key usage permits this; `None` if it has none (RFC 5280 section 4.2.1.3).
    ///
    /// # Errors
    /// [`Refusal::Unreadable`].
    pub fn may(&self, usage: KeyUsages) -> Result<Option<bool>, Refusal> {
        let found: Option<KeyUsage> = self.extension(id::KEY_USAGE)?;
        Ok(found.map(|found| found.0.contains(usage)))
    }

    /// Whether issuer and subject are one.
    pub fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    /// Whether its own key signed it.
    pub fn is_self_signed(&self) -> bool {
        let signature = self.fields.signature().as_bytes().unwrap_or_default();
        let algorithm = self.fields.signature_algorithm();
        signature::verifies(self.key(), algorithm, &self.signed, signature)
    }
}

/// The bytes that the signature of a certificate or of a CRL is over: the first thing in it.
pub fn signed_part(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    Header::decode(&mut reader).ok()?;
    reader.tlv_bytes().ok()
}

/// An extension's value.
///
/// # Errors
/// [`Refusal::Unreadable`].
pub fn decode<'a, T: Decode<'a>>(extension: Option<&'a Extension>) -> Result<Option<T>, Refusal> {
    extension
        .map(|one| T::from_der(one.extn_value.as_bytes()))
        .transpose()
        .map_err(|_| Refusal::Unreadable)
}

/// A name as bytes, to compare with others.
pub fn name_der(name: &Name) -> Vec<u8> {
    name.to_der().unwrap_or_default()
}
