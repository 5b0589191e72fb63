//! Why a job waits or a pod fails: closed families of causes and the texts that show them.
