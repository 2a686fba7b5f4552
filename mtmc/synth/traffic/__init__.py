"""Who drives where and when.

``roads`` lays lanes and turning curves between junctions and knows which curves conflict; ``simulation`` moves vehicles
over them (car following, signals); ``trip`` is one vehicle's way, where it is at any time.
"""
