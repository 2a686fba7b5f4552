"""What is written to disk.

``dataset`` writes videos, truth, masks and clocks in AI City's layout (``write_scene``), ``avi`` the videos, ``truth``
the description and the map; ``detection_set`` COCO frames for detectors; ``reid_set`` crops in VeRi's layout;
``tracklet_files`` simulated tracklets, and reads them back.
"""
