//! The configuration from outside: one invalid file per rule with the text it gives, valid files with what they
//! resolve to, and nothing secret in any text. `TIERWATCH_BLESS=1` writes the expected texts anew.

mod command;
mod files;
mod layers;
mod reference;
mod secrets;
