"""The rig: what stands in for the world around a unit. Never imported by the agent."""
