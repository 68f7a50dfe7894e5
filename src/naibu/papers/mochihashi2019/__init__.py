"""Looking inside the LSTM (Shibata, Uchiumi and Mochihashi 2020): its studies, run as rows."""
