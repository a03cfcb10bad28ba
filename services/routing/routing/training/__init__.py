"""Trains the model of topics, kinds and urgency from the files in `data/`: `make model`.

scikit-learn is needed here and nowhere else; the services read what this leaves in `routing/data/model.npz`.
"""
