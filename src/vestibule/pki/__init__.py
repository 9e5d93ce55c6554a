"""Our own authority: root and issuing keys, certificates, CRLs, renewal."""
