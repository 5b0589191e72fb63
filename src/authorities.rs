//! Certificate authorities that an operator adds to those of the system.

use std::path::Path;

use reqwest::Certificate;

use crate::error_chain::chain;

/// Every certificate of a PEM file.
///
/// # Errors
/// In words: the file cannot be read, it is damaged, or it holds none, which would silently trust nobody new.
pub(crate) fn read(file: &Path) -> Result<Vec<Certificate>, String> {
    let pem = std::fs::read(file).map_err(|error| error.to_string())?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| chain(&error))?;
    if certificates.is_empty() {
        return Err("no PEM certificate in it".to_owned());
    }
    Ok(certificates)
}
