# The recipes with a name in .ci/run are its very lines; tests/workflow.rs compares them.

# What there is.
default:
    @just --list

# Everything that CI does, with what it installs.
ci:
    .ci/run

# Needs Debian's shellcheck.
shell:
    shellcheck .ci/run deploy/chart/package

# GitLab's own schema; needs PyPI's check-jsonschema.
gitlab-ci:
    check-jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml

fmt:
    cargo fmt --check

# Needs Rust only.
test:
    cargo test

# Every scenario of the demo against its truth and the table of faults, through a real Prometheus and Alertmanager, by rules and by
# push. What came of it is kept in target/faults.md.
scenarios:
    env SCENARIO=all cargo test --features real --test real faults::

lint:
    cargo clippy --all-targets --all-features -- -D warnings

# Licences, bans and sources; needs cargo-deny.
deny:
    cargo deny --locked check licenses bans sources

# Against a real Kubernetes control plane and real Prometheus servers; needs Go and Debian's chromium, nodejs, npm, prometheus, python3-gitlab,
# python3-venv and umoci.
real:
    cargo test --features real --test real -- --test-threads 4 --skip faults:: --skip kills:: --skip lease::

# Daemons that are killed, paused and cut off, and what they counted: two minutes that need the machine for themselves.
kills:
    cargo test --features real --test real -- kills:: lease::

# The pages in a browser, on phone and screen, light and dark; screenshots are left in target/tmp/browser.
browser:
    cargo test --features real --test real browser

# The image, without a container engine, from a program that is linked statically (docs/image.md).
image out:
    cargo run --example oci_image -- --program amd64=target/x86_64-unknown-linux-gnu/release/tierwatch --epoch "$(git log -1 --format=%ct)" --revision "$(git rev-parse HEAD)" --out {{out}}

# The program for an image.
image-program:
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --bin tierwatch --target x86_64-unknown-linux-gnu

# A running platform with incidents, on this machine alone.
demo:
    cargo run --release -- demo
