"""Who drives where and when: roads and the vehicles on them."""
