"""What a finding means: highlights, narratives, impact.

Each room reads findings and layers and adds one kind of meaning; none of them changes a class,
and no room here knows another.
"""
