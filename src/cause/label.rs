//! How a closed list of label values is declared: the enum, its spelling and every value in one place.

/// A spelling that no value of the list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLabel;

impl std::fmt::Display for UnknownLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no such value in this closed list")
    }
}

impl std::error::Error for UnknownLabel {}

/// A closed list of label values, to whoever must know all of them.
pub trait Closed: Copy + 'static {
    /// What the list is called.
    const NAME: &'static str;

    /// Every label value.
    fn labels() -> Vec<&'static str>;

    /// The label value.
    fn label(self) -> &'static str;
}

/// Makes enums with `ALL` and `as_str` known as closed lists.
macro_rules! closed {
    ($($name:ident),+ $(,)?) => {
        $(impl $crate::cause::Closed for $name {
            const NAME: &'static str = stringify!($name);

            fn labels() -> Vec<&'static str> {
                Self::ALL.iter().map(|value| value.as_str()).collect()
            }

            fn label(self) -> &'static str {
                self.as_str()
            }
        })+
    };
}
pub(crate) use closed;

/// Declares an enum whose values are label values: `ALL`, `as_str`, `FromStr` and serde agree by construction.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The label value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        $crate::cause::closed!($name);

        impl std::str::FromStr for $name {
            type Err = $crate::cause::UnknownLabel;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err($crate::cause::UnknownLabel) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use labels;
