//! The reference platform's thin part, which needs providers and so cannot be run here: read by an HCL parser and held to what
//! makes it thin. The pure part is run by OpenTofu itself (`tests/real/reference/`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hcl::{Block, Body, Expression};

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/reference")
}

fn parse(file: &Path) -> Body {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()));
    hcl::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// Every `.tf` file of a folder as one body.
fn module(folder: &Path) -> Vec<Block> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("reading {}: {e}", folder.display()));
    let files =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "tf"));
    let blocks: Vec<Block> = files.flat_map(|file| parse(&file).blocks().cloned().collect::<Vec<_>>()).collect();
    assert!(!blocks.is_empty(), "{} holds a module", folder.display());
    blocks
}

fn of_kind<'a>(blocks: &'a [Block], kind: &'a str) -> impl Iterator<Item = &'a Block> {
    blocks.iter().filter(move |block| block.identifier() == kind)
}

fn labels<'a>(blocks: &'a [Block], kind: &'a str) -> BTreeSet<&'a str> {
    of_kind(blocks, kind).filter_map(|block| Some(block.labels().last()?.as_str())).collect()
}

fn attributes(block: &Block) -> BTreeMap<&str, &Expression> {
    block.body().attributes().map(|attribute| (attribute.key(), attribute.expr())).collect()
}

fn text(expression: &Expression) -> String {
    hcl::format::to_string(expression).expect("an expression can be written").trim().to_owned()
}

#[test]
fn the_pure_module_asks_nobody() {
    let pure = module(&reference().join("modules/tiers"));
    for kind in ["provider", "resource", "data", "module"] {
        assert_eq!(of_kind(&pure, kind).count(), 0, "modules/tiers has no {kind}");
    }
    for terraform in of_kind(&pure, "terraform") {
        assert!(terraform.body().blocks().next().is_none(), "no provider is required");
    }
}

#[test]
fn the_thin_module_passes_everything_on_and_uses_all_that_comes_back() {
    let (thin, pure) = (module(&reference()), module(&reference().join("modules/tiers")));
    let call = of_kind(&thin, "module").next().expect("it calls the pure module");
    let given: BTreeSet<_> = attributes(call).into_keys().filter(|key| *key != "source").collect();
    // Versions are the module's own, so that one release of the platform means one set of them.
    let taken: BTreeSet<_> = labels(&pure, "variable").into_iter().filter(|name| *name != "versions").collect();
    assert_eq!(given, taken);
    let files = ["main.tf", "outputs.tf"].map(|file| fs::read_to_string(reference().join(file)).expect("a file"));
    for output in labels(&pure, "output") {
        let used = format!("module.tiers.{output}");
        assert!(files.iter().any(|file| file.contains(&used)), "{used} is used");
    }
    for variable in labels(&thin, "variable") {
        let used = format!("var.{variable}");
        let all = ["main.tf", "providers.tf"].map(|file| fs::read_to_string(reference().join(file)).expect("a file"));
        assert!(all.iter().any(|file| file.contains(&used)), "{used} is used");
    }
    let maps = parse(&reference().join("tiers.auto.tfvars"));
    let example = parse(&reference().join("terraform.tfvars.example"));
    let written: BTreeSet<String> =
        maps.attributes().chain(example.attributes()).map(|attribute| attribute.key().to_owned()).collect();
    let needed = of_kind(&thin, "variable").filter(|block| !attributes(block).contains_key("default"));
    let needed: BTreeSet<String> = needed.map(|block| block.labels()[0].as_str().to_owned()).collect();
    assert_eq!(written, needed, "the two files give every variable that has no default");
}

/// The attributes of a type's objects, `job.cpu` for one within one; nothing for `any`, which takes all.
fn members(of: &Expression, above: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Expression::FuncCall(call) = of {
        // The second argument of `optional` is a default.
        found.extend(call.args.first().into_iter().flat_map(|of| members(of, above)));
    }
    if let Expression::Object(fields) = of {
        for (key, of) in fields {
            let name = format!("{above}{key}");
            found.extend(members(of, &format!("{name}.")));
            found.insert(name);
        }
    }
    found
}

/// OpenTofu drops without a word what an object's type does not name: what the module takes would never reach it.
#[test]
fn the_thin_module_drops_no_attribute() {
    let (thin, pure) = (module(&reference()), module(&reference().join("modules/tiers")));
    let types = |blocks: &[Block]| -> BTreeMap<String, Expression> {
        let of =
            |block: &Block| Some((block.labels()[0].as_str().to_owned(), (*attributes(block).get("type")?).clone()));
        of_kind(blocks, "variable").filter_map(of).collect()
    };
    let (given, taken) = (types(&thin), types(&pure));
    let known = members(&taken["network"], "");
    assert!(known.contains("closed") && known.contains("monitoring") && !known.contains("k8s-app"), "{known:?}");
    assert!(members(&taken["tiers"], "").contains("job.max_cpu"));
    for (name, given) in given.iter().filter(|(_, given)| text(given) != "any") {
        let Some(taken) = taken.get(name) else { continue };
        let (given, taken) = (members(given, ""), members(taken, ""));
        assert_eq!(taken.difference(&given).collect::<Vec<_>>(), Vec::<&String>::new(), "{name} would be dropped");
    }
}

#[test]
fn providers_and_charts_are_pinned_and_roles_bounded() {
    let thin = module(&reference());
    let terraform = of_kind(&thin, "terraform").next().expect("a terraform block");
    let required =
        terraform.body().blocks().find(|block| block.identifier() == "required_providers").expect("providers");
    let providers = attributes(required);
    assert_eq!(providers.keys().copied().collect::<Vec<_>>(), ["aws", "helm", "kubernetes"]);
    for (name, provider) in providers {
        let written = text(provider);
        assert!(written.contains("~> "), "{name} stays within one major version: {written}");
    }
    for release in of_kind(&thin, "resource").filter(|block| block.labels()[0].as_str() == "helm_release") {
        assert!(attributes(release).contains_key("version"), "{:?} is pinned", release.labels());
    }
    for role in of_kind(&thin, "resource").filter(|block| block.labels()[0].as_str() == "aws_iam_role") {
        let attributes = attributes(role);
        assert!(attributes.contains_key("permissions_boundary") && attributes.contains_key("max_session_duration"));
        assert!(text(attributes["assume_role_policy"]).contains("each.value.trust_policy"), "the pure module says who");
    }
}

/// The state of OpenTofu holds whatever passes through it.
#[test]
fn no_secret_passes_through() {
    let thin = module(&reference());
    for kind in ["resource", "data"] {
        for block in of_kind(&thin, kind) {
            assert!(
                !block.labels()[0].as_str().contains("secret"),
                "{:?} would keep a secret in the state",
                block.labels()
            );
        }
    }
    for variable in labels(&thin, "variable") {
        let words: Vec<_> = variable.split('_').collect();
        assert!(!words.iter().any(|word| ["token", "password", "secret"].contains(word)), "{variable}");
    }
}
