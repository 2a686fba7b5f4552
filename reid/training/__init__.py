"""How the network learns.

losses        what is minimised? (Eq. 7)
schedule      how fast, in which epoch?
step          one batch: forward, loss, backward, step; and all state to go on from
run_log       what is told and written while it runs?
resume        what must a stopped training's state hold?
distributed   how do several processes share it?
trainer       the loop: rate, batch, forward, loss, backward, step, log, evaluate, save
tuning        which settings learn better?
"""
