"""What the REST APIs of all packages share. Needs DRF (`threadflow-core[api]`)."""
