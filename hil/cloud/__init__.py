"""The bench cloud: a subscriber that believes nothing it cannot verify."""

from hil.cloud.subscriber import Cloud as Cloud
