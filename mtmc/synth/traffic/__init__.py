"""Who drives where and when.

``roads`` lays lanes and turning curves between junctions and knows which curves conflict; ``simulation`` moves vehicles
over them (car following, signals) and yields one ``Trip`` per vehicle.
"""
