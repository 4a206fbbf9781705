"""The outside world: programs, terminals, virtual machines."""
