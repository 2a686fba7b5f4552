"""People in the loop: which links are worth a look (``proposals``), and what follows from what is said (``wishes``)."""
