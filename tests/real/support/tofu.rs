//! OpenTofu on a copy of a module, so that nothing is left in the tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::folder::Folder;
use super::parts;

/// The reference platform, as it ships.
pub(crate) fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/reference")
}

/// A module that can be planned and applied here: without providers, since none can be had.
pub(crate) struct Module {
    program: PathBuf,
    folder: Folder,
}

impl Module {
    /// A copy of the module in `folder`, initialised.
    pub(crate) fn copy_of(folder: &Path) -> Self {
        let copy = Self { program: parts::tofu(), folder: Folder::new("tofu") };
        copy_files(folder, copy.folder.path());
        copy.run(&["init", "-backend=false", "-input=false"]).unwrap_or_else(|said| panic!("tofu init: {said}"));
        copy
    }

    /// What `tofu` says, or why it failed.
    pub(crate) fn run(&self, args: &[&str]) -> Result<String, String> {
        tofu(&self.program, self.folder.path(), args)
    }

    /// The module's outputs with these variables.
    pub(crate) fn outputs(&self, variables: &Value) -> Result<Value, String> {
        let file = self.folder.join("test.tfvars.json");
        fs::write(&file, variables.to_string()).map_err(|e| format!("writing {}: {e}", file.display()))?;
        self.run(&["apply", "-auto-approve", "-input=false", &format!("-var-file={}", file.display())])?;
        let text = self.run(&["output", "-json"])?;
        let outputs: Value = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
        let values = outputs.as_object().ok_or("outputs are an object")?.iter();
        Ok(values.map(|(name, output)| (name.clone(), output["value"].clone())).collect())
    }
}

/// As [`Module::run`], in a folder of the tree: only for what writes nothing.
pub(crate) fn tofu(program: &Path, folder: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .current_dir(folder)
        .args(args)
        .envs([("TF_IN_AUTOMATION", "1"), ("TF_CLI_CONFIG_FILE", "/dev/null"), ("TF_CLI_ARGS", "-no-color")])
        .output()
        .map_err(|e| format!("running {}: {e}", program.display()))?;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() { Ok(said.into_iter().next().unwrap_or_default()) } else { Err(said.concat()) }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("reading {}: {e}", from.display())).flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("the temp folder takes a folder");
            copy_files(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("the temp folder takes a file");
        }
    }
}
