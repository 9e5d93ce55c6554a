//! Other people's test vectors. They are not part of this repository: `VESTIBULE_SUITES` names the folder that
//! has them; without it one line says that nothing was tested.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests only")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A suite's JSON, unpacked, by the name of its file in that folder without `.json.xz`; `None` if it isn't there.
#[must_use]
pub fn json(name: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites");
    let folder = std::env::var_os("VESTIBULE_SUITES").map_or(PathBuf::from(beside), PathBuf::from);
    let file = folder.join(format!("{name}.json.xz"));
    if !file.exists() {
        println!("{} is not there: not tested", file.display());
        return None;
    }
    let unpacked = Command::new("xz").arg("-dc").arg(&file).output();
    Some(unpacked.expect("xz unpacks the suite").stdout)
}

/// One of Wycheproof's files (C2SP), such as `aes_gcm`.
#[must_use]
pub fn wycheproof(name: &str) -> Option<Value> {
    let json = json(&format!("wycheproof/{name}_test"))?;
    Some(serde_json::from_slice(&json).unwrap())
}

/// The octets that Wycheproof writes as hexadecimal digits.
#[must_use]
pub fn octets(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
