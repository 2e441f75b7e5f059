"""What may leave the process, and who may ask: the policy file, redaction, limits. Standard library only."""
